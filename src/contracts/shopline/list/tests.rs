use projections::shopline::{Customer, Page, SortKey};

use super::link::link;
use super::*;

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn seal(text: &str) -> [u8; 32] {
    let mut seal = [0; 32];
    for (at, byte) in text.bytes().enumerate() {
        seal[at % 32] ^= byte.wrapping_add(u8::try_from(at % 251).unwrap());
    }
    seal
}

fn list(query: &str) -> Result<Request, ApiError> {
    parse_list(&Query::parse(query), &zone(), &seal)
}

fn search(query: &str) -> Result<Request, ApiError> {
    parse_search(&Query::parse(query), &zone(), &seal)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_list_without_parameters_is_the_first_fifty_by_id() {
    let request = list("").unwrap();
    assert_eq!(request.filter, Filter::default());
    assert_eq!(
        (request.order, request.start, request.limit, request.fields),
        (Order::Id, Start::First, 50, None)
    );
    assert_eq!(search("").unwrap().order, Order::Creation);
}

#[test]
fn a_list_is_filtered_by_ids_and_times() {
    let request = list(
        "ids=3,1,3,%00&since_id=42&created_at_min=2022-04-13T21:13:20%2B08:00&\
         created_at_max=2022-04-13T21:13:20.9%2B08:00&updated_at_min=2022-04-13T21:13:20.1Z&fields=id,email&limit=250",
    );
    let request = request.unwrap();
    let expected = Filter {
        ids: Some(vec!["3".into(), "1".into()]),
        since_id: Some("42".into()),
        created_at: Window {
            min: Some(1_649_855_600),
            max: Some(1_649_855_600),
        },
        updated_at: Window {
            min: Some(1_649_884_401),
            max: None,
        },
        ..Filter::default()
    };
    assert_eq!(request.filter, expected);
    assert_eq!(
        (request.limit, request.fields),
        (250, Fields::parse("id,email"))
    );
    assert_eq!(list("since_id=0&ids=").unwrap().filter, Filter::default());
    assert_eq!(list("ids=%00").unwrap().filter.ids, Some(vec![]));
}

#[test]
fn a_search_names_documented_fields() {
    let request = search(
        "query=customer_id:1;%20state:3%20;;tags:VIP,b;customer_first_name:%C3%84nn;\
         email_subscribe_flag:1;accepts_marketing:true;verified_email:false;\
         customer_date:2022-04-13;updated_at:%3E2022-04-13T21:13:20%2B08:00;orders_count:0&query_param=130",
    );
    let expected = Filter {
        ids: Some(vec!["1".into()]),
        text: Some("130".to_owned()),
        terms: texts(&["t:vip", "t:b", "f:änn"]),
        accepts_marketing: Some(true),
        email_subscribe_flag: Some(1),
        state: Some(3),
        verified_email: Some(false),
        created_at: Window {
            min: Some(1_649_779_200),
            max: Some(1_649_865_599),
        },
        updated_at: Window {
            min: Some(1_649_855_601),
            max: None,
        },
        ..Filter::default()
    };
    assert_eq!(request.unwrap().filter, expected);
}

#[test]
fn nobody_has_orders_or_two_values_at_once() {
    for (query, nobody) in [
        ("orders_count:0", false),
        ("orders_count:2", true),
        ("orders_count:%3E1", true),
        ("orders_count:%3E=0", false),
        ("orders_count:%3C1", false),
        ("total_spent:%3C=0.00", false),
        ("total_spent:=1", true),
        ("order_date:%3E2020-01-01", true),
        ("state:1;state:1", false),
        ("state:1;state:2", true),
        ("customer_id:1;customer_id:2", true),
        ("customer_id:%00", true),
    ] {
        let request = search(&format!("query={query}"));
        assert_eq!(request.unwrap().filter.nobody, nobody, "{query}");
    }
}

#[test]
fn a_wrong_value_is_refused() {
    let long = "x".repeat(51);
    for query in [
        "limit=0",
        "limit=251",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=99999999999999999999",
        "page_info=x",
        "page_info=%00",
    ] {
        for parse in [list, search] {
            assert_eq!(
                parse(query).map_err(|refused| refused.status()),
                Err(422),
                "{query}"
            );
        }
    }
    for query in [
        "created_at_min=yesterday",
        "updated_at_max=1649855600",
        "since_id=%00",
        &format!(
            "ids={}",
            (0..251)
                .map(|id| id.to_string())
                .collect::<Vec<_>>()
                .join(",")
        ),
    ] {
        assert_eq!(
            list(query).map_err(|refused| refused.status()),
            Err(422),
            "{query}"
        );
    }
    for query in [
        "order=4",
        "order=id",
        "query=email:x",
        "query=state",
        "query=state:4",
        "query=state:x",
        "query=accepts_marketing:1",
        "query=email_subscribe_flag:3",
        "query=customer_date:x",
        "query=order_date:x",
        "query=orders_count:NaN",
        "query=customer_id:",
        "query=customer_first_name:",
        "query=tags:,",
        &format!("query_param={long}"),
        &format!("query=tags:{}", long.repeat(20)),
    ] {
        assert_eq!(
            search(query).map_err(|refused| refused.status()),
            Err(422),
            "{query}"
        );
    }
}

/// What a link of a page says, as the next request's `page_info`.
fn follow(request: &Request, rel: &str) -> String {
    let id = |id: &str| Customer {
        id: id.into(),
        ..Customer::default()
    };
    let page = Page {
        customers: vec![id("9"), id("7")],
        has_previous: true,
        has_next: true,
    };
    let link = link("http://shop/list", request, &page, &seal).unwrap();
    let entry = link
        .split(", ")
        .find(|entry| entry.ends_with(&format!("rel=\"{rel}\"")))
        .unwrap();
    let (_, info) = entry.split_once("page_info=").unwrap();
    info.split_once('>').unwrap().0.to_owned()
}

#[test]
fn a_page_info_holds_the_whole_request() {
    let first = list("created_at_min=2022-04-13&limit=2&fields=id").unwrap();
    let place = |id: &str| SortKey {
        id: id.into(),
        created_at: 0,
    };
    let next = list(&format!("page_info={}", follow(&first, "next"))).unwrap();
    let expected = Request {
        start: Start::After(place("7")),
        ..first.clone()
    };
    assert_eq!(next, expected);
    // Beside it, only these two are read.
    let info = follow(&first, "previous");
    let previous = list(&format!(
        "page_info={info}&limit=3&fields=email&ids=1&since_id=%00"
    ));
    let expected = Request {
        start: Start::Before(place("9")),
        limit: 3,
        fields: Fields::parse("email"),
        ..first
    };
    assert_eq!(previous.unwrap(), expected);
}

#[test]
fn a_page_info_of_anybody_else_is_refused() {
    let info = follow(&list("").unwrap(), "next");
    let refused = Err(422);
    let status = |request: Result<Request, ApiError>| request.map(drop).map_err(|it| it.status());
    assert_eq!(status(search(&format!("page_info={info}"))), refused);
    let other = |_: &str| [0; 32];
    let unsealed = parse_list(&Query::parse(&format!("page_info={info}")), &zone(), &other);
    assert_eq!(status(unsealed), refused);
    for at in 0..info.len() {
        let mut garbled = info.clone().into_bytes();
        garbled[at] = if garbled[at] == b'A' { b'B' } else { b'A' };
        let garbled = String::from_utf8(garbled).unwrap();
        assert_eq!(
            status(list(&format!("page_info={garbled}"))),
            refused,
            "{at}"
        );
        let cut = &info.get(..at).unwrap();
        assert!(cut.is_empty() || status(list(&format!("page_info={cut}"))) == refused);
    }
}

/// The entries of a `link` as SHOPLINE's three clients take it apart.
fn as_clients_read(link: &str) -> [Vec<(String, String)>; 3] {
    let unquoted = |text: &str| {
        text.trim_start_matches("rel=\"")
            .trim_end_matches('"')
            .to_owned()
    };
    let bare = |text: &str| text.trim_matches(['<', '>']).to_owned();
    // Go: splits at commas, then matches `^ *<…>; rel="(previous|prev|next)" *$`.
    let go = link.split(',').filter_map(|entry| {
        let (url, rel) = entry
            .trim_matches(' ')
            .strip_prefix('<')?
            .split_once(">; ")?;
        let rel = rel.strip_prefix("rel=\"")?.strip_suffix('"')?;
        ["previous", "prev", "next"]
            .contains(&rel)
            .then(|| (rel.to_owned(), url.to_owned()))
    });
    // Python: splits at commas, then at "; ", and looks for `next` and `previous`.
    let python = link.split(',').filter_map(|entry| {
        let (url, rel) = entry.split_once("; ")?;
        Some((unquoted(rel), bare(url.trim())))
    });
    // PHP: splits at ", ", then at "; ".
    let php = link.split(", ").filter_map(|entry| {
        let (url, rel) = entry.split_once("; ")?;
        Some((unquoted(rel), bare(url)))
    });
    [go.collect(), python.collect(), php.collect()]
}

#[test]
fn a_link_is_read_by_every_client() {
    let request = list("ids=1,2&limit=2").unwrap();
    for (has_next, has_previous, rels) in [
        (true, true, &["next", "previous"][..]),
        (true, false, &["next"]),
        (false, true, &["previous"]),
    ] {
        let page = Page {
            customers: vec![],
            has_previous,
            has_next,
        };
        let link = link(
            "https://demo.myshopline.com/v2/customers.json",
            &request,
            &page,
            &seal,
        )
        .unwrap();
        for entries in as_clients_read(&link) {
            let named: Vec<_> = entries.iter().map(|(rel, _)| rel.as_str()).collect();
            assert_eq!(named, rels, "{link}");
            for (_, url) in entries {
                assert!(url.starts_with(
                    "https://demo.myshopline.com/v2/customers.json?limit=2&page_info=ey"
                ));
            }
        }
    }
    assert_eq!(link("u", &request, &Page::default(), &seal), None);
}

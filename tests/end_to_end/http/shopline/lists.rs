//! List, search and count over HTTP, as SHOPLINE's clients ask for them.

use customer_ledger::domain::customer::Command;
use customer_ledger::kafka::projector::Projection;
use devkit::http::{Answer, Call};
use devkit::wait;
use hyper::Method;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{assert_refused, assert_traced};
use crate::support::customer::Known;
use crate::support::lists;
use crate::support::shop::{Server, Shop};

async fn get(server: &Server, path: &str) -> Answer {
    server.shopline(Method::GET, path).send().await
}

/// What a list answers when it is behind nothing.
async fn current(server: &Server, path: &str) -> Answer {
    lists::current_list(&server.shopline(Method::GET, path)).await
}

/// The ids of a page.
#[track_caller]
fn ids(answer: &Answer) -> Vec<String> {
    let page = answer.ok();
    let customers = page["customers"].as_array().unwrap().iter();
    customers
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn listed(server: &Server, query: &str) -> Vec<String> {
    ids(&current(server, &format!("v2/customers.json?{query}")).await)
}

async fn searched(server: &Server, query: &str) -> Vec<String> {
    ids(&current(server, &format!("customers/v2/search.json?{query}")).await)
}

/// The URL that an answer names so, as the Python client finds it.
fn url(answer: &Answer, rel: &str) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().unwrap();
    link.split(',').find_map(|entry| {
        let (url, name) = entry.trim().split_once("; ")?;
        let url = url.strip_prefix('<')?.strip_suffix('>')?;
        (name == format!("rel=\"{rel}\"")).then(|| url.to_owned())
    })
}

/// Goes where an answer's link leads.
async fn follow(server: &Server, answer: &Answer, rel: &str) -> Answer {
    let url = url(answer, rel).unwrap_or_else(|| panic!("no link {rel}"));
    let path = url.strip_prefix(&server.base).unwrap();
    let path = path.strip_prefix("/admin/openapi/v20220901/").unwrap();
    current(server, path).await
}

/// Customers of both shops, the youngest first: the order of a list.
async fn five(server: &Server) -> Vec<Known> {
    let mut all = vec![];
    for n in 0..3 {
        let customer = json!({ "email": format!("app{n}@example.com"), "first_name": "Bob" });
        all.insert(0, server.app_customer(&customer).await);
    }
    all.insert(0, server.guest("guest@example.com").await);
    all.insert(0, server.registered("registered@example.com").await);
    all
}

fn shopline_ids(all: &[Known]) -> Vec<String> {
    all.iter().map(|known| known.shopline.clone()).collect()
}

#[tokio::test]
async fn a_list_shows_customers_of_both_shops_as_a_read_does() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = five(&server).await;
    let answer = current(&server, "v2/customers.json").await;
    assert_eq!(ids(&answer), shopline_ids(&all));
    assert_traced(&answer);
    assert!(answer.headers.get("link").is_none());
    assert!(answer.headers.get("ledger-behind").is_none());
    for (known, shown) in all.iter().zip(answer.ok()["customers"].as_array().unwrap()) {
        assert_eq!(shown, &server.in_shopline(known).await);
    }
    let envelope = answer.ok();
    assert_eq!(envelope.as_object().unwrap().len(), 1);
    // The doubled slash is the Python client's.
    assert_eq!(ids(&current(&server, "/v2/customers.json").await).len(), 5);
    assert_eq!(
        current(&server, "customers/v2/count.json").await.ok(),
        json!({ "count": 5 })
    );
}

#[tokio::test]
async fn the_documented_list_has_the_documented_members() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let documented: Value = serde_json::from_str(include_str!(
        "../../../conformance/shopline/list_customers_response.synthetic.json"
    ))
    .unwrap();
    let example = &documented["customers"][0];
    let mut create = json!({});
    for member in [
        "email",
        "first_name",
        "last_name",
        "phone",
        "note",
        "tags",
        "birthday",
    ] {
        create[member] = example[member].clone();
    }
    create["gender"] = json!(1);
    create["accepts_marketing"] = json!(true);
    create["addresses"] = example["addresses"].clone();
    let address = create["addresses"][0].as_object_mut().unwrap();
    address.retain(|member, _| !["id", "customer_id"].contains(&member.as_str()));
    server.app_customer(&create).await;
    let list = current(&server, "v2/customers.json").await.ok();
    let shown = &list["customers"][0];
    let members = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(members(shown), members(example));
    assert_eq!(
        members(&shown["addresses"][0]),
        members(&example["addresses"][0])
    );
    for member in [
        "addresses",
        "default_address",
        "created_at",
        "updated_at",
        "id",
        "accepts_marketing_updated_at",
        "language",
        "nick_name",
    ] {
        let same_kind =
            std::mem::discriminant(&shown[member]) == std::mem::discriminant(&example[member]);
        assert!(same_kind, "{member}");
    }
    for member in [
        "email",
        "gender",
        "state",
        "tags",
        "total_spent",
        "orders_count",
        "birthday",
    ] {
        assert_eq!(shown[member], example[member], "{member}");
    }
}

#[tokio::test]
async fn pages_lead_through_the_list_and_back_while_customers_come_and_go() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = shopline_ids(&five(&server).await);
    let first = current(&server, "v2/customers.json?limit=2&fields=id").await;
    assert_eq!(ids(&first), all[..2]);
    assert_eq!(first.ok()["customers"][0], json!({ "id": all[0] }));
    assert_eq!(url(&first, "previous"), None);
    // One comes before the page, and the customer at the page's edge goes.
    let young = server.guest("young@example.com").await;
    let path = format!("customers/{}.json", all[1]);
    server.shopline(Method::DELETE, &path).send().await.ok();
    let second = follow(&server, &first, "next").await;
    assert_eq!(ids(&second), all[2..4]);
    // The fields are those of the first request.
    assert_eq!(second.ok()["customers"][0], json!({ "id": all[2] }));
    let third = follow(&server, &second, "next").await;
    assert_eq!(
        (ids(&third), url(&third, "next")),
        (all[4..].to_vec(), None)
    );
    let back = follow(&server, &third, "previous").await;
    assert_eq!(ids(&back), all[2..4]);
    let back = follow(&server, &back, "previous").await;
    assert_eq!(ids(&back), [young.shopline, all[0].clone()]);
    assert_eq!(url(&back, "previous"), None);
    assert_eq!(ids(&follow(&server, &back, "next").await), all[2..4]);
}

#[tokio::test]
async fn a_page_whose_customers_are_all_gone_leads_back() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = five(&server).await;
    let first = current(&server, "v2/customers.json?limit=3").await;
    for known in &all[3..] {
        shop.execute(&known.stream, Command::Delete).await;
    }
    let second = follow(&server, &first, "next").await;
    assert!(ids(&second).is_empty());
    let back = follow(&server, &second, "previous").await;
    assert_eq!(ids(&back), shopline_ids(&all[..3]));
    assert_eq!((url(&back, "next"), url(&back, "previous")), (None, None));
}

/// Medusa sets no limit to a name, and an index of PostgreSQL does.
#[tokio::test]
async fn a_name_longer_than_a_key_of_an_index_is_listed_and_found() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let known = server.guest("long@example.com").await;
    let rename = async |length: usize| {
        let letters = rand::rng().sample_iter(Alphanumeric).map(char::from);
        let name: String = letters.take(length).collect();
        let update = json!({ "first_name": name });
        server.update(&known.medusa, &update).await.ok();
        name
    };
    rename(50_000).await;
    assert_eq!(listed(&server, "").await, [known.shopline.as_str()]);
    // As long as a search may be.
    let name = rename(900).await;
    let query = |name: &str| format!("query=customer_first_name:{name}");
    assert_eq!(
        searched(&server, &query(&name)).await,
        [known.shopline.as_str()]
    );
    let longer = query(&format!("{name}x"));
    assert!(searched(&server, &longer).await.is_empty());
}

#[tokio::test]
async fn a_page_info_keeps_the_query_and_nobody_can_forge_one() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = shopline_ids(&five(&server).await);
    let first = current(
        &server,
        "customers/v2/search.json?query=customer_first_name:bob&limit=1",
    )
    .await;
    assert_eq!(ids(&first), all[2..3]);
    let next = url(&first, "next").unwrap();
    let (_, info) = next.split_once("page_info=").unwrap();
    assert_eq!(
        searched(&server, &format!("page_info={info}&limit=9")).await,
        all[3..]
    );
    let wrong = "page_info must be one of a link of this list";
    let garbled = info.replacen("ey", "ez", 1);
    for path in [
        format!("v2/customers.json?page_info={info}"),
        format!("customers/v2/search.json?page_info={garbled}"),
        "customers/v2/search.json?page_info=eyJzaW5jZUlkIjoiMSJ9".to_owned(),
    ] {
        assert_refused(&current(&server, &path).await, 422, wrong);
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_ids_and_by_times_with_both_ends() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = five(&server).await;
    let known = shopline_ids(&all);
    let two = format!("ids={},{},nobody,%00", known[4], known[1]);
    assert_eq!(
        listed(&server, &two).await,
        [known[1].clone(), known[4].clone()]
    );
    assert_eq!(listed(&server, "ids=nobody").await, [""; 0]);
    assert_eq!(
        listed(&server, &format!("since_id={}", known[2])).await,
        known[3..]
    );
    assert_eq!(listed(&server, "since_id=0").await, known);
    let shown = server.in_shopline(&all[2]).await;
    for (member, at) in [
        ("created_at", &shown["created_at"]),
        ("updated_at", &shown["updated_at"]),
    ] {
        // The plus sign is sent as it is, as careless clients do.
        let at = at.as_str().unwrap();
        let one = &known[2];
        let within = listed(&server, &format!("{member}_min={at}&{member}_max={at}")).await;
        assert!(within.contains(one), "{member}");
        let tz: jiff::Timestamp = at.parse().unwrap();
        let second = |change: i64| (tz + jiff::SignedDuration::from_secs(change)).to_string();
        for query in [
            format!("{member}_min={}", second(1)),
            format!("{member}_max={}", second(-1)),
        ] {
            assert!(!listed(&server, &query).await.contains(one), "{query}");
        }
    }
}

#[tokio::test]
async fn a_search_finds_by_every_documented_field() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ann = json!({ "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee",
        "phone": "001467326483", "tags": "VIP,loyal", "accepts_marketing": true,
        "addresses": [{ "address1": "7720 Cherokee Road", "city": "Hagerman" }] });
    let ann = server.app_customer(&ann).await;
    let bea = json!({ "email": "bea_50%@example.com", "first_name": "Bea", "tags": "loyal" });
    let bea = server.app_customer(&bea).await;
    let carl = server.registered("carl@example.com").await;
    let created = server.in_shopline(&ann).await["created_at"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    let (a, b, c) = (&ann.shopline, &bea.shopline, &carl.shopline);
    for (query, found) in [
        ("", vec![c, b, a]),
        ("order=3", vec![c, b, a]),
        ("query=accepts_marketing:true", vec![a]),
        ("query=email_subscribe_flag:2", vec![c, b]),
        ("query=customer_first_name:ANN", vec![a]),
        (&format!("query=customer_id:{b}"), vec![b]),
        ("query=tags:vip", vec![a]),
        ("query=tags:loyal", vec![b, a]),
        ("query=tags:loy", vec![]),
        ("query=tags:loyal,VIP", vec![a]),
        ("query=orders_count:0;state:1", vec![b, a]),
        ("query=orders_count:%3E1", vec![]),
        ("query=total_spent:0;state:3", vec![c]),
        ("query=verified_email:false", vec![c, b, a]),
        ("query=verified_email:true", vec![]),
        ("query=order_date:%3E2020-01-01", vec![]),
        ("query=customer_date:%3C2020-01-01", vec![]),
        (
            &format!("query=customer_date:%3C={created};tags:vip"),
            vec![a],
        ),
        (
            &format!("query=customer_date:%3C{created};tags:vip"),
            vec![],
        ),
        ("query=updated_at:%3E2020-01-01", vec![c, b, a]),
        ("query_param=467326", vec![a]),
        ("query_param=ANN@EX", vec![a]),
        ("query_param=ann+lee", vec![a]),
        ("query_param=hagerman", vec![a]),
        ("query_param=cherokee", vec![a]),
        ("query_param=_50%25@", vec![b]),
        ("query_param=%25", vec![b]),
        ("query_param=%5c", vec![]),
        ("query_param='%3b--", vec![]),
        ("query_param=%F0%9F%98%80", vec![]),
        ("query_param=%00", vec![]),
        ("query_param=example&query=tags:loyal", vec![b, a]),
    ] {
        let seen = searched(&server, query).await;
        assert_eq!(seen.iter().collect::<Vec<_>>(), found, "{query}");
    }
}

#[tokio::test]
async fn a_read_shows_the_fields_that_are_asked_for() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let bob = server
        .app_customer(&json!({ "email": "bob@example.com" }))
        .await;
    let path = format!(
        "customers/v2/{}.json?fields=note,%20id,nothing",
        bob.shopline
    );
    let answer = current(&server, &path).await;
    assert_eq!(
        answer.ok(),
        json!({ "customer": { "id": bob.shopline, "note": "" } })
    );
    let all = get(
        &server,
        &format!("customers/v2/{}.json?fields=,", bob.shopline),
    )
    .await;
    assert_eq!(all.ok()["customer"]["email"], "bob@example.com");
}

#[tokio::test]
async fn the_deleted_are_in_no_list_and_a_rebuild_finds_the_rest() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let all = five(&server).await;
    shop.execute(&all[0].stream, Command::Delete).await;
    let rest = shopline_ids(&all[1..]);
    let same = async || {
        let count = current(&server, "customers/v2/count.json").await.ok();
        (listed(&server, "").await == rest
            && searched(&server, "query_param=example").await == rest
            && listed(&server, &format!("ids={}", all[0].shopline))
                .await
                .is_empty()
            && count == json!({ "count": 4 }))
        .then_some(())
    };
    assert_eq!(same().await, Some(()));
    shop.database.clear(Projection::Shopline).await;
    wait::until("the view is rebuilt", same).await;
}

#[tokio::test]
async fn links_lead_to_where_the_request_was_sent() {
    let shop = Shop::open().await;
    let trusting = shop
        .serve_with("api,relay,projector", &[("TRUSTED_PROXIES", "127.0.0.1")])
        .await;
    let wary = shop.serve("api").await;
    five(&trusting).await;
    let forwarded = |server: &Server| {
        server
            .shopline(Method::GET, "/v2/customers.json?limit=1")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "demo.myshopline.com")
    };
    let path = "/admin/openapi/v20220901/v2/customers.json?limit=1&page_info=";
    for (server, origin) in [
        (&trusting, "https://demo.myshopline.com".to_owned()),
        (&wary, wary.base.clone()),
    ] {
        let list = lists::current_list(&forwarded(server)).await;
        let next = url(&list, "next").expect("the list has a second page");
        assert!(next.starts_with(&format!("{origin}{path}")), "{next}");
    }
}

#[tokio::test]
async fn a_wrong_query_is_refused_and_head_is_no_method() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    for (path, errors) in [
        (
            "v2/customers.json?limit=251",
            "limit must be a number from 1 to 250",
        ),
        (
            "customers/v2/search.json?limit=0",
            "limit must be a number from 1 to 250",
        ),
        (
            "v2/customers.json?created_at_min=x",
            "created_at_min must be a time in ISO 8601",
        ),
        (
            "v2/customers.json?since_id=%00",
            "since_id must be the id of a customer",
        ),
        (
            "customers/v2/search.json?order=9",
            "order must be 0, 1, 2 or 3",
        ),
        (
            "customers/v2/search.json?query=email:x",
            "query must be a list of field:value with documented fields",
        ),
    ] {
        assert_refused(&get(&server, path).await, 422, errors);
    }
    for path in [
        "v2/customers.json",
        "customers/v2/search.json",
        "customers/v2/count.json",
    ] {
        let head = server.shopline(Method::HEAD, path).send().await;
        assert_eq!(head.status, 404, "{path}");
        let anonymous = super::anonymous(&server, Method::GET, &format!("v20220901/{path}"));
        assert_eq!(Call::send(anonymous).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn without_a_projector_a_list_says_by_how_much_it_is_behind() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay").await;
    server.guest("late@example.com").await;
    for path in [
        "v2/customers.json",
        "customers/v2/search.json",
        "customers/v2/count.json",
    ] {
        let answer = lists::list(&server.shopline(Method::GET, path)).await;
        assert_eq!(
            (answer.status, answer.header("ledger-behind")),
            (200, "1"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_given_up() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let mut owner = shop.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    sqlx::query("lock table shopline_customers in access exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let busy = "Service temporarily unavailable, please try again";
    for path in [
        "v2/customers.json",
        "customers/v2/search.json",
        "customers/v2/count.json",
    ] {
        assert_refused(&get(&server, path).await, 503, busy);
    }
    held.rollback().await.unwrap();
    assert_eq!(listed(&server, "").await, [""; 0]);
}

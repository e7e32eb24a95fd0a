use proptest::prelude::*;

use super::*;
use crate::contracts::medusa::error::text_of_invalid;

fn invalid<T>(message: &str) -> Result<T, String> {
    Err(message.to_owned())
}

fn customers(query: &str) -> CustomersRequest {
    parse_customers(query).unwrap_or_else(|refused| panic!("{query}: {refused:?}"))
}

#[test]
fn nothing_asked_for_is_the_first_page_of_all() {
    let request = CustomersRequest {
        q: None,
        has_account: HasAccount::Any,
        groups: None,
        created_at: Window::default(),
        updated_at: Window::default(),
        shown: Shown {
            expand: None,
            order: None,
            page: Page {
                limit: Some(50),
                offset: 0,
            },
            limit: 50.0,
            offset: 0.0,
        },
    };
    assert_eq!(parse_customers(""), Ok(request.clone()));
    assert_eq!(
        parse_customers("q=&order=&fields=bogus&has_account=maybe"),
        Ok(request)
    );
    let groups = parse_groups("").unwrap();
    assert_eq!(groups.shown.page.limit, Some(10));
    assert_eq!((groups.fields, groups.discount_condition), (None, false));
}

#[test]
fn a_limit_of_zero_is_none_and_halves_are_rounded_by_postgres() {
    for (query, limit, echoed) in [
        ("limit=0", None, 0.0),
        ("limit=", None, 0.0),
        ("limit=1.5", Some(2), 1.5),
        ("limit=0.4", Some(0), 0.4),
        ("limit=1e-7", Some(0), 1e-7),
        ("limit=0x10", Some(16), 16.0),
        ("limit=%205", Some(5), 5.0),
    ] {
        let shown = customers(query).shown;
        assert_eq!(shown.page.limit, limit, "{query}");
        assert!((shown.limit - echoed).abs() < 1e-12, "{query}");
    }
    for query in [
        "limit=-1",
        "offset=-1",
        "limit=99999999999999999999",
        "offset=99999999999999999999",
        "limit=1e21",
        "offset=9223372036854775808",
    ] {
        assert_eq!(parse_customers(query), Err(ApiError::Unknown), "{query}");
    }
    let offset = customers("offset=9223372036854774784").shown.page.offset;
    assert_eq!(offset, 9_223_372_036_854_775_000);
}

#[test]
fn groups_are_a_list_whose_one_item_is_split() {
    let groups = |query| customers(query).groups.unwrap();
    assert_eq!(groups("groups[]=a&groups[]=b,c"), ["a", "b,c"]);
    assert_eq!(groups("groups[]=a,b"), ["a", "b"]);
    assert_eq!(groups("groups[0]=a"), ["a"]);
    assert_eq!(groups("groups[25]=a"), ["a"]);
    assert_eq!(groups("groups%5B%5D="), [""]);
    assert_eq!(parse_customers("groups=a"), Err(ApiError::Unknown));
    assert_eq!(parse_customers("groups[]=%00"), Err(ApiError::Unknown));
    for query in ["groups[a]=x", "groups[][a]=x", "groups[]=x&groups[a]=y"] {
        let message = "each value in groups must be a string";
        let read = text_of_invalid(parse_customers(query));
        assert_eq!(read, invalid(message), "{query}");
    }
    let members = |query| parse_members(query, "g").unwrap().groups.unwrap();
    assert_eq!(members("groups[]=other"), ["g"]);
    assert_eq!(members("groups=other"), ["g"]);
}

#[test]
fn times_are_dates_of_javascript_else_seconds() {
    let created = |query: &str| customers(&format!("created_at{query}")).created_at;
    assert_eq!(created("[gt]=2020-01-01").gt, Some(1_577_836_800.0));
    assert_eq!(created("[gt]=1577836800").gt, Some(1_577_836_800.0));
    assert_eq!(created("[lt]=").lt, Some(0.0));
    assert_eq!(
        created("[gte]=2026-11-21T18:11:26.506Z").gte,
        Some(1_795_284_686.506)
    );
    assert_eq!(created("[lte]=-1").lte, Some(978_307_200.0));
    assert_eq!(created("[lte][]=2020").lte, Some(1_577_836_800.0));
    assert!(created("[constructor]=1").is_open());
    for (query, message) in [
        (
            "created_at[gt]=x&created_at[lt]=y",
            "lt must be a Date instance, gt must be a Date instance",
        ),
        ("created_at[gt]=2020-13-01", "gt must be a Date instance"),
        (
            "created_at[gt]=99999999999999",
            "gt must be a Date instance",
        ),
        (
            "created_at[gt]=2020&created_at[gt]=2021",
            "gt must be a Date instance",
        ),
        ("created_at[gt][x]=1", "gt must be a Date instance"),
        ("created_at[eq]=2020", "property eq should not exist"),
        (
            "created_at=2020",
            "nested property created_at must be either object or array",
        ),
        (
            "created_at[]=2020",
            "nested property created_at must be either object or array",
        ),
        (
            "updated_at[]=&updated_at[]=",
            "nested property updated_at must be either object or array, nested property updated_at must be either object or array",
        ),
    ] {
        let read = text_of_invalid(parse_customers(query));
        assert_eq!(read, invalid(message), "{query}");
    }
    // PostgreSQL's times begin in 4714 BC.
    let refused = parse_customers("created_at[gt]=-200000-01-01");
    assert_eq!(refused, Err(ApiError::Unknown));
    let refused = parse_customers("created_at[0][gt]=2020");
    assert_eq!(refused, Err(ApiError::Unknown));
}

#[test]
fn what_is_refused_is_named_in_order() {
    for (query, message) in [
        ("[]=1", "property 0 should not exist"),
        ("[a]=1", "property a should not exist"),
        ("%", "property % should not exist"),
        (
            "email=x&id=y",
            "property email should not exist, property id should not exist",
        ),
        (
            "limit=Infinity",
            "limit must be a number conforming to the specified constraints",
        ),
        (
            "limit=1e400",
            "limit must be a number conforming to the specified constraints",
        ),
        (
            "limit=null",
            "limit must be a number conforming to the specified constraints",
        ),
        (
            "limit[]=1",
            "limit must be a number conforming to the specified constraints",
        ),
        (
            "limit[a]=1",
            "limit must be a number conforming to the specified constraints",
        ),
    ] {
        let read = text_of_invalid(parse_customers(query));
        assert_eq!(read, invalid(message), "{query}");
    }
    for (query, message) in [
        ("name=x", "name must be an array"),
        (
            "name[]=x&name[a]=y",
            "each value in name must be a string, name must be an array",
        ),
        ("name[][a]=y", "each value in name must be a string"),
        ("id=x", "nested property id must be either object or array"),
        (
            "id[]=x",
            "nested property id must be either object or array",
        ),
        (
            "id[a]=x",
            "an unknown value was passed to the validate function",
        ),
        (
            "discount_condition_id[]=x",
            "discount_condition_id must be a string",
        ),
        ("has_account=true", "property has_account should not exist"),
        (
            "q[]=1&limit=x&order[]=z&offset=y",
            "order must be a string, offset must be a number conforming to the specified \
             constraints, limit must be a number conforming to the specified constraints, q must \
             be a string",
        ),
    ] {
        let read = text_of_invalid(parse_groups(query));
        assert_eq!(read, invalid(message), "{query}");
    }
}

#[test]
fn a_nul_is_refused_where_it_would_be_looked_for() {
    assert_eq!(parse_customers("q=a%00"), Err(ApiError::Unknown));
    assert_eq!(parse_groups("q=%00"), Err(ApiError::Unknown));
    assert_eq!(parse_groups("name[]=%00"), Err(ApiError::Unknown));
}

/// A query of a list, well or badly formed.
fn query() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "(limit|offset|q|order|expand|fields|has_account|groups|name|id|created_at|updated_at)",
        "[a-z%\\[\\]]{0,6}",
    ];
    let bracket = prop_oneof![
        "",
        "\\[\\]",
        "\\[(gt|lt|gte|lte|eq|0|25|a)\\]",
        "[\\[\\]a0]{0,6}"
    ];
    let value = prop_oneof![
        "[-+0-9.ex]{0,20}",
        "(true|null|2020-01-01|-email|groups.name|%00|%FF|%|a,b)",
        "\\PC{0,12}",
    ];
    let pair =
        (key, bracket, value).prop_map(|(key, bracket, value)| format!("{key}{bracket}={value}"));
    prop::collection::vec(pair, 0..6).prop_map(|pairs| pairs.join("&"))
}

proptest! {
    #[test]
    fn every_query_is_a_page_or_a_documented_refusal(query in query()) {
        let refusals = [
            parse_customers(&query).err(),
            parse_members(&query, "g").err(),
            parse_groups(&query).err(),
        ];
        for refused in refusals.into_iter().flatten() {
            prop_assert!(
                matches!(refused, ApiError::Invalid(_) | ApiError::Unknown),
                "{refused:?}"
            );
        }
        if let Ok(request) = parse_customers(&query) {
            prop_assert!(request.shown.page.offset >= 0);
            prop_assert!(request.shown.page.limit.is_none_or(|limit| limit >= 0));
            prop_assert!(request.q.is_none_or(|q| !q.is_empty() && !q.contains('\0')));
        }
    }
}

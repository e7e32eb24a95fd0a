//! Random customers under random filters: what PostgreSQL finds is what a plain filter over the same
//! customers finds, and its pages visit each of them once, forwards and backwards.

use events::customer::{CustomerState, Profile, Subscription};
use events::ids::{Position, Sequence, ShoplineId};
use jiff::Timestamp;
use projections::shopline::table::pages;
use projections::shopline::{
    Address, Customer, Filter, Order, SortKey, Start, Window, first_name_term, tag_term,
};
use projections::table;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sqlx::PgConnection;

use crate::support::model::{BEGINNING, TIMES, draw, rows, time};
use crate::support::postgres::database;

const CUSTOMERS: usize = 250;
const FILTERS: usize = 300;
const TAGS: [&str; 4] = ["vip", "Loyal", "a b", "ÄÖ"];

fn text() -> impl Strategy<Value = String> {
    "[abAB%_Éé\\\\\0]{0,4}"
}

fn customer() -> impl Strategy<Value = Customer> {
    let texts = (text(), text(), text(), text(), text());
    let tags = prop::sample::subsequence(TAGS.to_vec(), 0..=4);
    let state = prop::sample::select(vec![
        CustomerState::Disabled,
        CustomerState::NotInvited,
        CustomerState::Invited,
        CustomerState::Registered,
    ]);
    let subscription = prop::sample::select(vec![
        Subscription::Unsubscribed,
        Subscription::Subscribed,
        Subscription::Never,
        Subscription::Pending,
    ]);
    let times = (0..TIMES, 0..TIMES);
    (
        texts,
        tags,
        state,
        subscription,
        times,
        any::<bool>(),
        0..10_u8,
    )
        .prop_map(
            |(texts, tags, state, email_subscription, times, verified_email, fate)| {
                let (email, phone, first_name, last_name, city) = texts;
                let lived = Customer {
                    sequence: Sequence::new(2),
                    position: Position::new(2),
                    created_at: time(times.0),
                    updated_at: time(times.1),
                    ..Customer::default()
                };
                if fate == 0 {
                    return Customer {
                        deleted: true,
                        ..lived
                    };
                }
                Customer {
                    profile: Profile {
                        email: Some(email),
                        phone: Some(phone),
                        first_name: Some(first_name),
                        last_name: Some(last_name),
                        tags: Some(tags.into_iter().map(ToOwned::to_owned).collect()),
                        state,
                        email_subscription,
                        verified_email,
                        ..Profile::default()
                    }
                    .without_empty(),
                    addresses: vec![Address {
                        city,
                        ..Address::default()
                    }],
                    ..lived
                }
            },
        )
}

/// Of several lengths, with zeros in front, and some that are no numbers.
fn id(n: usize) -> ShoplineId {
    let id = match n % 7 {
        0 => format!("{n}"),
        1 => format!("00{n}"),
        2 => format!("x-{n}"),
        3 => format!("46032231{n:03}"),
        4 => format!("É{n}"),
        _ => format!("42{:08}", n * 7919 % 10_000),
    };
    id.into()
}

fn window() -> impl Strategy<Value = Window> {
    let bound = || prop::option::weighted(0.2, BEGINNING - 1..BEGINNING + TIMES / 2 + 1);
    (bound(), bound()).prop_map(|(min, max)| Window { min, max })
}

fn filter() -> impl Strategy<Value = Filter> {
    let ids = prop::option::weighted(
        0.1,
        prop::collection::vec((0..CUSTOMERS).prop_map(id), 0..99),
    );
    let since_id = prop::option::weighted(0.2, (0..CUSTOMERS).prop_map(id));
    let text = prop::option::weighted(0.3, "[abAB%_Éé\\\\\0]{1,3}");
    let tags = prop::sample::subsequence(TAGS.to_vec(), 0..=1);
    let first_name = prop::option::weighted(0.1, "[abAB]{1,2}");
    let flags = (
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.2, 0..3_i16),
        prop::option::weighted(0.2, 0..4_i16),
        prop::option::weighted(0.2, any::<bool>()),
    );
    (
        ids,
        since_id,
        text,
        tags,
        first_name,
        flags,
        window(),
        window(),
    )
        .prop_map(
            |(ids, since_id, text, tags, first_name, flags, created_at, updated_at)| Filter {
                ids,
                since_id,
                text,
                terms: tags
                    .iter()
                    .map(|tag| tag_term(tag))
                    .chain(first_name.iter().map(|name| first_name_term(name)))
                    .collect(),
                accepts_marketing: flags.0,
                email_subscribe_flag: flags.1,
                state: flags.2,
                verified_email: flags.3,
                created_at,
                updated_at,
                nobody: false,
            },
        )
}

fn is_within(time: Timestamp, window: Window) -> bool {
    let second = time.as_second();
    window.min.is_none_or(|min| min <= second) && window.max.is_none_or(|max| second <= max)
}

fn is_meant(customer: &Customer, filter: &Filter) -> bool {
    // U+0000 cannot be stored, and stands for U+FFFD.
    let fold = |text: &str| text.to_lowercase().replace('\0', "\u{fffd}");
    let flag = match customer.profile.email_subscription {
        Subscription::Unsubscribed => 0,
        Subscription::Subscribed => 1,
        Subscription::Never | Subscription::Pending => 2,
    };
    let state = match customer.profile.state {
        CustomerState::Disabled => 0,
        CustomerState::NotInvited => 1,
        CustomerState::Invited => 2,
        CustomerState::Registered => 3,
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let first_name = text(&customer.profile.first_name);
    let named = format!("{first_name} {}", text(&customer.profile.last_name));
    let city = customer
        .addresses
        .first()
        .map(|address| address.city.clone());
    let texts = [
        text(&customer.profile.email),
        text(&customer.profile.phone),
        named,
        city.unwrap_or_default(),
    ];
    let has = |part: &String| texts.iter().any(|text| fold(text).contains(&fold(part)));
    let tags = customer.profile.tags.as_deref().unwrap_or_default();
    let mut terms: Vec<String> = tags.iter().map(|tag| format!("t:{}", fold(tag))).collect();
    terms.push(format!("f:{}", fold(&first_name)));
    !customer.deleted
        && filter
            .ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&customer.id))
        && filter
            .since_id
            .as_ref()
            .is_none_or(|since| key(&customer.id) < key(since))
        && filter.text.as_ref().is_none_or(has)
        && filter.terms.iter().all(|term| terms.contains(term))
        && filter
            .accepts_marketing
            .is_none_or(|accepts| accepts == (flag == 1))
        && filter
            .email_subscribe_flag
            .is_none_or(|asked| asked == flag)
        && filter.state.is_none_or(|asked| asked == state)
        && filter
            .verified_email
            .is_none_or(|asked| asked == customer.profile.verified_email)
        && is_within(customer.created_at, filter.created_at)
        && is_within(customer.updated_at, filter.updated_at)
}

fn key(id: &str) -> (usize, &[u8]) {
    (id.len(), id.as_bytes())
}

fn expected(all: &[Customer], filter: &Filter, order: Order) -> Vec<ShoplineId> {
    let mut found: Vec<_> = all.iter().filter(|one| is_meant(one, filter)).collect();
    found.sort_by(|one, other| key(&other.id).cmp(&key(&one.id)));
    if order == Order::Creation {
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
    }
    found.iter().map(|one| one.id.clone()).collect()
}

/// Customers of two stores, each row written twice: what was alive may be deleted later.
async fn save(conn: &mut PgConnection, all: &[Customer]) {
    let born: Vec<_> = all
        .iter()
        .map(|one| Customer {
            deleted: false,
            sequence: Sequence::FIRST,
            profile: Profile {
                email: Some("born@example.com".to_owned()),
                tags: Some(vec!["born".to_owned()]),
                ..one.profile.clone()
            },
            ..one.clone()
        })
        .collect();
    for store in ["main", "other"] {
        table::save(conn, &store.into(), &rows(Sequence::START, &born))
            .await
            .unwrap();
    }
    table::save(conn, &"main".into(), &rows(Sequence::FIRST, all))
        .await
        .unwrap();
}

/// Walks from one end to the other: the ids as they were seen.
async fn walk(
    conn: &mut PgConnection,
    filter: &Filter,
    order: Order,
    limit: u32,
    forwards: bool,
) -> Vec<ShoplineId> {
    let mut start = if forwards { Start::First } else { Start::Last };
    let mut seen: Vec<ShoplineId> = vec![];
    loop {
        let first = matches!(start, Start::First | Start::Last);
        let page = pages::page(conn, &"main".into(), filter, order, &start, limit)
            .await
            .unwrap();
        let ids: Vec<_> = page.customers.iter().map(|one| one.id.clone()).collect();
        assert!(ids.len() <= limit as usize);
        let (behind, ahead) = if forwards {
            seen.extend(ids);
            (page.has_previous, page.has_next)
        } else {
            seen.splice(0..0, ids);
            (page.has_next, page.has_previous)
        };
        assert_eq!(behind, !first);
        if !ahead {
            return seen;
        }
        let edge = |at: Option<&Customer>| SortKey::of(at.unwrap());
        start = if forwards {
            Start::After(edge(page.customers.last()))
        } else {
            Start::Before(edge(page.customers.first()))
        };
    }
}

#[tokio::test]
async fn what_postgres_finds_is_what_a_plain_filter_finds() {
    let database = database().await;
    let mut conn = database.pool.acquire().await.unwrap();
    let mut runner = TestRunner::deterministic();
    let mut all = draw(&mut runner, prop::collection::vec(customer(), CUSTOMERS));
    for (n, customer) in all.iter_mut().enumerate() {
        customer.stream = format!("{n:026}").into();
        customer.id = id(n);
    }
    save(&mut conn, &all).await;
    let live = i64::try_from(all.iter().filter(|one| !one.deleted).count()).unwrap();
    assert_eq!(pages::count(&mut conn, &"main".into()).await.unwrap(), live);
    let (mut empty_count, mut long_count) = (0, 0);
    for turn in 0..FILTERS {
        let orders = prop::sample::select(vec![Order::Id, Order::Creation]);
        let (filter, order, limit, forwards) =
            draw(&mut runner, (filter(), orders, 1..60_u32, any::<bool>()));
        let filter = if turn % 20 == 0 {
            Filter::default()
        } else {
            filter
        };
        let seen = walk(&mut conn, &filter, order, limit, forwards).await;
        let expected = expected(&all, &filter, order);
        assert_eq!(seen, expected, "{filter:?} {order:?} {limit} {forwards}");
        empty_count += usize::from(seen.is_empty());
        long_count += usize::from(seen.len() > 10);
    }
    assert!(empty_count < FILTERS * 3 / 4, "{empty_count}");
    assert!(long_count > FILTERS / 10, "{long_count}");
    let nobody = Filter {
        nobody: true,
        ..Filter::default()
    };
    assert!(
        walk(&mut conn, &nobody, Order::Id, 5, true)
            .await
            .is_empty()
    );
}

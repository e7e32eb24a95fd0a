//! Random customers under random filters and orders: what PostgreSQL finds is what a plain filter over
//! the same customers finds.

use events::customer::Profile;
use events::ids::{Position, Sequence, StreamId};
use jiff::Timestamp;
use projections::medusa::table::pages;
use projections::medusa::{
    Customer, CustomerColumn, CustomerFilter, CustomerKey, HasAccount, Order, Page, Window,
};
use projections::table;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sqlx::PgConnection;

use crate::support::model::{TIMES, draw, rows, time};
use crate::support::postgres::database;

const CUSTOMERS: usize = 300;
const FILTERS: usize = 600;
/// Nobody is in the last one.
const GROUPS: [&str; 4] = ["01A", "01B", "01C", "01D"];

fn name() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[abAB%_é\\\\]{0,4}")
}

fn groups() -> impl Strategy<Value = Vec<StreamId>> {
    let name = |group: &&str| StreamId::from(*group);
    let of = GROUPS.iter().take(3).map(name).collect::<Vec<_>>();
    prop::sample::subsequence(of, 0..=3)
}

fn customer() -> impl Strategy<Value = Customer> {
    let texts = (name(), name(), name());
    let times = (0..TIMES, 0..TIMES);
    (texts, times, groups(), any::<bool>(), 0..10_u8).prop_map(
        |((email, first_name, last_name), times, groups, has_account, fate)| {
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
                    email,
                    first_name,
                    last_name,
                    has_account,
                    ..Profile::default()
                },
                groups,
                ..lived
            }
        },
    )
}

fn window() -> impl Strategy<Value = Window> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let at = |step: i64| time(step).as_microsecond() as f64 / 1e6;
    let bound = || prop::option::weighted(0.2, (0..TIMES).prop_map(at));
    (bound(), bound(), bound(), bound()).prop_map(|(lt, gt, gte, lte)| Window { lt, gt, gte, lte })
}

fn filter() -> impl Strategy<Value = CustomerFilter> {
    let q = prop::option::of("[abAB%_é\\\\]{1,3}");
    let has_account = prop_oneof![
        3 => Just(HasAccount::Any),
        1 => Just(HasAccount::Yes),
        1 => Just(HasAccount::No),
        1 => Just(HasAccount::Null),
    ];
    let name = |group: &&str| StreamId::from(*group);
    let of = GROUPS.iter().map(name).collect::<Vec<_>>();
    let groups = prop::option::of(prop::sample::subsequence(of, 0..=4));
    (q, has_account, groups, window(), window()).prop_map(
        |(q, has_account, groups, created_at, updated_at)| CustomerFilter {
            q,
            has_account,
            groups,
            created_at,
            updated_at,
        },
    )
}

fn order() -> impl Strategy<Value = Option<Order<CustomerKey>>> {
    let column = prop::sample::select(vec![
        CustomerColumn::Id,
        CustomerColumn::CreatedAt,
        CustomerColumn::UpdatedAt,
        CustomerColumn::FirstName,
        CustomerColumn::HasAccount,
    ]);
    let order = (column, any::<bool>()).prop_map(|(column, descending)| Order {
        key: CustomerKey::Own(column),
        descending,
    });
    prop::option::of(order)
}

fn page() -> impl Strategy<Value = Page> {
    (prop::option::of(0..40_i64), 0..60_i64).prop_map(|(limit, offset)| Page { limit, offset })
}

/// `LIKE`, over characters.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|at| like(&text[at..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && like(&text[1..], rest)
        }
    }
}

fn is_found(text: Option<&String>, q: &str) -> bool {
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    text.is_some_and(|text| like(&chars(text), &chars(&format!("%{q}%"))))
}

fn is_within(time: Timestamp, window: Window) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "microseconds, whole")]
    let at = |seconds: f64| (seconds * 1e6).round() as i64;
    let time = time.as_microsecond();
    window.lt.is_none_or(|bound| time < at(bound))
        && window.gt.is_none_or(|bound| time > at(bound))
        && window.gte.is_none_or(|bound| time >= at(bound))
        && window.lte.is_none_or(|bound| time <= at(bound))
}

fn is_meant(customer: &Customer, filter: &CustomerFilter) -> bool {
    let texts = {
        let profile = &customer.profile;
        [&profile.email, &profile.first_name, &profile.last_name]
    };
    !customer.deleted
        && filter
            .q
            .as_ref()
            .is_none_or(|q| texts.iter().any(|text| is_found(text.as_ref(), q)))
        && match filter.has_account {
            HasAccount::Any => true,
            HasAccount::Yes => customer.profile.has_account,
            HasAccount::No => !customer.profile.has_account,
            HasAccount::Null => false,
        }
        && filter
            .groups
            .as_ref()
            .is_none_or(|groups| customer.groups.iter().any(|group| groups.contains(group)))
        && is_within(customer.created_at, filter.created_at)
        && is_within(customer.updated_at, filter.updated_at)
}

/// What a customer is ordered by; nothing is greater than all.
fn key(customer: &Customer, column: CustomerColumn) -> (bool, String) {
    let key = match column {
        CustomerColumn::Id => Some(customer.id.to_string()),
        CustomerColumn::CreatedAt => Some(customer.created_at.as_microsecond().to_string()),
        CustomerColumn::UpdatedAt => Some(customer.updated_at.as_microsecond().to_string()),
        CustomerColumn::FirstName => customer.profile.first_name.clone(),
        CustomerColumn::HasAccount => Some(customer.profile.has_account.to_string()),
        CustomerColumn::DeletedAt
        | CustomerColumn::Email
        | CustomerColumn::LastName
        | CustomerColumn::BillingAddressId
        | CustomerColumn::Phone
        | CustomerColumn::Metadata => None,
    };
    (key.is_none(), key.unwrap_or_default())
}

fn expected(
    all: &[Customer],
    filter: &CustomerFilter,
    order: Option<Order<CustomerKey>>,
    page: Page,
) -> pages::StreamPage {
    let mut found: Vec<_> = all.iter().filter(|one| is_meant(one, filter)).collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    if let Some(Order {
        key: CustomerKey::Own(column),
        descending,
    }) = order
    {
        found.sort_by(|one, other| {
            let by = key(one, column).cmp(&key(other, column));
            if descending { by.reverse() } else { by }
        });
    }
    let at = |number: i64| usize::try_from(number).unwrap();
    let limit = page.limit.map_or(usize::MAX, at);
    let shown = found.iter().skip(at(page.offset)).take(limit);
    pages::StreamPage {
        count: i64::try_from(found.len()).unwrap(),
        streams: shown.map(|one| one.stream.clone()).collect(),
    }
}

/// Customers of two stores, each row written twice: what was alive may be deleted later, and the
/// other way round is not. Another store's customers are nobody's business.
async fn save(conn: &mut PgConnection, all: &[Customer]) {
    let born: Vec<_> = all
        .iter()
        .map(|one| Customer {
            deleted: false,
            sequence: Sequence::FIRST,
            profile: Profile {
                has_account: true,
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

#[tokio::test]
async fn what_postgres_finds_is_what_a_plain_filter_finds() {
    let database = database().await;
    let mut conn = database.pool.acquire().await.unwrap();
    let mut runner = TestRunner::deterministic();
    let mut all = draw(&mut runner, prop::collection::vec(customer(), CUSTOMERS));
    for (n, customer) in all.iter_mut().enumerate() {
        // An imported id need not follow its stream.
        customer.stream = format!("{n:026}").into();
        customer.id = format!("cus_{:03}", n * 7 % CUSTOMERS).into();
    }
    save(&mut conn, &all).await;
    let (mut empty_count, mut whole_count) = (0, 0);
    for turn in 0..FILTERS {
        let (filter, order, page) = draw(&mut runner, (filter(), order(), page()));
        let filter = if turn % 10 == 0 {
            CustomerFilter {
                has_account: filter.has_account,
                ..CustomerFilter::default()
            }
        } else {
            filter
        };
        let found = pages::customers(&mut conn, &"main".into(), &filter, order, page)
            .await
            .unwrap();
        let expected = expected(&all, &filter, order, page);
        assert_eq!(found, expected, "{filter:?} {order:?} {page:?}");
        empty_count += usize::from(found.count == 0);
        whole_count += usize::from(found.streams.len() > 10);
    }
    assert!(empty_count < FILTERS * 3 / 4, "{empty_count}");
    assert!(whole_count > FILTERS / 20, "{whole_count}");
}

//! How long pages of many customers take, over HTTP.
//!
//! The rows are written by the projection's own `save`, a thousand at a time, and not through the
//! ledger: only reading is measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::customer::Profile;
use events::ids::{Position, Sequence, StreamId};
use jiff::Timestamp;
use projections::medusa::{Customer, Group};
use projections::shopline;
use projections::table::{self, Advance};
use rand::Rng as _;
use sqlx::PgConnection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::load::{Client, joined, on_one_thread};
use crate::process::Server;
use crate::report::{List, Lists, Measured};
use crate::store::Store;

/// The store's name is the setting's default.
const STORE: &str = "main";
/// Customers there are.
const CUSTOMERS: u64 = 100_000;
/// Groups there are: each has a hundredth of the customers.
const GROUPS: u64 = 100;
/// Customers on a page.
const PAGE: u64 = 50;
/// Rows in one transaction.
const BATCH: u64 = 1000;
/// Numbers of connections.
const CONNECTIONS: [u16; 2] = [1, 8];
const WARM_UP: Duration = Duration::from_millis(500);
/// How long each measurement takes at most.
const TIME_MAX: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Clone, Copy)]
enum Kind {
    /// The first page of all.
    Page,
    /// A part of one customer's e-mail.
    Search,
    /// A page of a group's members.
    Members,
    /// SHOPLINE's first page.
    List,
    /// SHOPLINE's customers that changed in the last fifty seconds.
    Changed,
    /// SHOPLINE's customers with one e-mail.
    Fuzzy,
    /// A page of SHOPLINE's customers with a tag.
    Tag,
    /// SHOPLINE's number of customers.
    Count,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Page,
        Self::Search,
        Self::Members,
        Self::List,
        Self::Changed,
        Self::Fuzzy,
        Self::Tag,
        Self::Count,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Page => "default page",
            Self::Search => "q",
            Self::Members => "groups[]",
            Self::List => "shopline",
            Self::Changed => "updated_at",
            Self::Fuzzy => "query_param",
            Self::Tag => "tags",
            Self::Count => "count",
        }
    }

    fn path(self) -> String {
        const SHOPLINE: &str = "/admin/openapi/v20220901";
        let mut chance = rand::rng();
        match self {
            Self::Page => "/admin/customers".to_owned(),
            Self::Search => format!("/admin/customers?q=.{}@", chance.random_range(0..CUSTOMERS)),
            Self::Members => format!(
                "/admin/customers?groups[]={}",
                group_id(chance.random_range(0..GROUPS))
            ),
            Self::List => format!("{SHOPLINE}/v2/customers.json"),
            Self::Changed => format!(
                "{SHOPLINE}/v2/customers.json?updated_at_min={}",
                time(CUSTOMERS - PAGE)
            ),
            Self::Fuzzy => format!(
                "{SHOPLINE}/customers/v2/search.json?query_param=.{}@",
                chance.random_range(0..CUSTOMERS)
            ),
            Self::Tag => format!(
                "{SHOPLINE}/customers/v2/search.json?query=tags:tag{}",
                chance.random_range(0..GROUPS)
            ),
            Self::Count => format!("{SHOPLINE}/customers/v2/count.json"),
        }
    }

    /// Whether an answer is one of this kind.
    fn is_right(self, body: &str) -> bool {
        let medusa =
            |count| body.ends_with(&format!(r#","count":{count},"offset":0,"limit":50}}"#));
        let shopline = |count: u64| {
            let shown = body.matches(r#""email":"customer."#).count();
            u64::try_from(shown).is_ok_and(|shown| shown == count)
        };
        match self {
            Self::Page => medusa(CUSTOMERS),
            Self::Search => medusa(1),
            Self::Members => medusa(CUSTOMERS / GROUPS),
            Self::List | Self::Changed | Self::Tag => shopline(PAGE),
            Self::Fuzzy => shopline(1),
            Self::Count => body == format!(r#"{{"count":{CUSTOMERS}}}"#),
        }
    }

    /// What opens the contract.
    fn proof(self, store: &Store) -> String {
        match self {
            Self::Page | Self::Search | Self::Members => {
                format!("x-medusa-access-token: {}", store.api_token)
            }
            Self::List | Self::Changed | Self::Fuzzy | Self::Tag | Self::Count => {
                format!("authorization: Bearer {}", store.app_token)
            }
        }
    }
}

/// Fills the views of a ledger and asks it for pages.
pub(crate) async fn run(
    store: &Store,
    server: &Server,
    longest: Duration,
    stop: &CancellationToken,
) -> Result<Lists, Error> {
    let start = Instant::now();
    fill(store).await?;
    let filled = start.elapsed();
    store.analyze().await?;
    let mut lists = vec![];
    for connections in CONNECTIONS {
        for kind in Kind::ALL {
            let ask = Ask {
                kind,
                connections,
                address: server.address,
                proof: kind.proof(store),
            };
            let ask = Arc::new(ask);
            ask.measure(WARM_UP, stop).await?;
            lists.push(List {
                title: kind.title(),
                connections,
                measured: ask.measure(longest.min(TIME_MAX), stop).await?,
            });
        }
    }
    Ok(Lists {
        customers: CUSTOMERS,
        rows_per_second: CUSTOMERS * 1000 / u64::try_from(filled.as_millis()).unwrap_or(1).max(1),
        pages: lists,
    })
}

async fn fill(store: &Store) -> Result<(), Error> {
    let mut connection = store.connect().await?;
    let rows: Vec<Group> = (0..GROUPS).map(group).collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|view| Advance {
            from: Sequence::START,
            view,
        })
        .collect();
    table::save(&mut connection, &STORE.into(), &rows).await?;
    for first in (0..CUSTOMERS).step_by(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
        let rows: Vec<Customer> = (first..first + BATCH).map(customer).collect();
        save(&mut connection, &rows).await?;
        let rows: Vec<_> = (first..first + BATCH).map(in_shopline).collect();
        let rows: Vec<_> = rows
            .iter()
            .map(|view| Advance {
                from: Sequence::START,
                view,
            })
            .collect();
        table::save(&mut connection, &STORE.into(), &rows).await?;
    }
    Ok(())
}

async fn save(connection: &mut PgConnection, rows: &[Customer]) -> Result<(), Error> {
    let rows: Vec<_> = rows
        .iter()
        .map(|view| Advance {
            from: Sequence::START,
            view,
        })
        .collect();
    table::save(connection, &STORE.into(), &rows).await?;
    Ok(())
}

fn group_stream(number: u64) -> String {
    format!("01G{number:023}")
}

fn group_id(number: u64) -> String {
    format!("cgrp_{}", group_stream(number))
}

fn group(number: u64) -> Group {
    Group {
        stream: group_stream(number).into(),
        id: group_id(number).into(),
        sequence: Sequence::FIRST,
        position: Position::FIRST,
        name: format!("group {number}"),
        created_at: time(number),
        updated_at: time(number),
        ..Group::default()
    }
}

fn customer(number: u64) -> Customer {
    const FIRST: [&str; 8] = [
        "Ann", "Bea", "Carl", "Dora", "Emil", "Frida", "Gus", "Hanna",
    ];
    const LAST: [&str; 7] = [
        "Lee", "Müller", "Rossi", "Silva", "Tanaka", "Novak", "Okafor",
    ];
    let pick = |names: &[&str]| {
        let names = names.iter().cycle();
        let index = usize::try_from(number).unwrap_or_default();
        names.clone().nth(index % 56).map(ToString::to_string)
    };
    let stream = StreamId::new(format!("01C{number:023}"));
    Customer {
        id: format!("cus_{stream}").into(),
        stream,
        sequence: Sequence::FIRST,
        position: Position::FIRST,
        created_at: time(number),
        updated_at: time(number),
        profile: Profile {
            email: Some(format!("customer.{number}@example.com")),
            first_name: pick(&FIRST),
            last_name: pick(&LAST),
            phone: Some(format!("+49 30 {number:07}")),
            has_account: number.is_multiple_of(3),
            ..Profile::default()
        },
        groups: vec![group_stream(number % GROUPS).into()],
        ..Customer::default()
    }
}

/// The same customer in SHOPLINE.
fn in_shopline(number: u64) -> shopline::Customer {
    let customer = customer(number);
    shopline::Customer {
        stream: customer.stream,
        id: (4_200_000_000 + number).to_string().into(),
        sequence: Sequence::FIRST,
        position: Position::FIRST,
        created_at: customer.created_at,
        updated_at: customer.updated_at,
        profile: Profile {
            has_account: false,
            tags: Some(vec![format!("tag{}", number % GROUPS), "all".to_owned()]),
            ..customer.profile
        },
        addresses: vec![shopline::Address {
            key: "a".to_owned(),
            id: format!("SL201UA{number:019}").into(),
            address1: format!("{number} Cherokee Road"),
            city: "Hagerman".to_owned(),
            country: "United States".to_owned(),
            zip: "40202".to_owned(),
            ..shopline::Address::default()
        }],
        ..shopline::Customer::default()
    }
}

/// A second later for each.
fn time(number: u64) -> Timestamp {
    const BEGINNING: i64 = 1_767_225_600;
    let seconds = BEGINNING + i64::try_from(number).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// One measurement.
struct Ask {
    kind: Kind,
    connections: u16,
    address: std::net::SocketAddr,
    proof: String,
}

impl Ask {
    async fn measure(
        self: &Arc<Self>,
        time: Duration,
        stop: &CancellationToken,
    ) -> Result<Measured, Error> {
        let ask = Arc::clone(self);
        on_one_thread(stop.clone(), move || async move {
            let start = Instant::now();
            let mut tasks = JoinSet::new();
            for _ in 0..ask.connections {
                let ask = Arc::clone(&ask);
                tasks.spawn(async move { ask.until(start, time).await });
            }
            let mut latencies_us = vec![];
            while let Some(part) = tasks.join_next().await {
                latencies_us.append(&mut joined(part)?);
            }
            Ok(Measured::new(latencies_us, start.elapsed()))
        })
        .await
    }

    /// One connection's share: the latency of each answer.
    async fn until(&self, start: Instant, time: Duration) -> Result<Vec<u32>, Error> {
        let mut client = Client::connect(self.address).await?;
        let mut latencies_us = vec![];
        while start.elapsed() < time {
            let request = format!(
                "GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\n{}\r\n\r\n",
                self.kind.path(),
                self.proof
            );
            let asked = Instant::now();
            let body = client.ask(request.as_bytes(), 200).await?;
            let body = std::str::from_utf8(body).unwrap_or_default();
            let latency = asked.elapsed().as_micros();
            if !self.kind.is_right(body) {
                return Err(Error::Wrong(format!(
                    "a list of {} is not as expected",
                    self.kind.title()
                )));
            }
            latencies_us.push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
        Ok(latencies_us)
    }
}

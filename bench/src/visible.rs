//! How long after its answer an update stands in both views, through Kafka, while others are made.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use crate::error::Error;
use crate::load::{Client, Load, write_request};
use crate::report::Measured;
use crate::store::Store;

/// How long it may take.
const VISIBLE_MAX: Duration = Duration::from_secs(10);
/// How often the views are looked at.
const POLL: Duration = Duration::from_micros(500);
/// Between two that are watched.
const PAUSE: Duration = Duration::from_millis(20);

/// Both views' rows of one customer are at this sequence or beyond.
const SHOWN: &str = "\
    select m.sequence >= $2 and s.sequence >= $2 \
    from medusa_customers m join shopline_customers s using (store, stream) \
    where m.store = 'main' and m.id = $1";

/// Updates one customer, whom nobody else updates, again and again for so long, and watches each
/// arrive.
pub(crate) async fn watch(
    store: &Store,
    address: SocketAddr,
    load: &Load,
    customer: &str,
    time: Duration,
) -> Result<Measured, Error> {
    let mut client = Client::connect(address).await?;
    let mut views = store.connect().await?;
    let mut sequence: i64 = sqlx::query_scalar(
        "select count(*) from events join claims on holder = aggregate_id and kind = 'medusa_id' \
         where key = convert_to($1, 'UTF8')",
    )
    .bind(customer)
    .fetch_one(&mut *views)
    .await?;
    let start = Instant::now();
    let (mut latencies_us, mut request) = (vec![], String::new());
    while start.elapsed() < time {
        sequence += 1;
        request.clear();
        write_request(
            &mut request,
            &format_args!("POST /admin/customers/{customer}"),
            &store.api_token,
            &format_args!(r#"{{"first_name":"Watched {sequence}"}}"#),
        );
        client.ask(request.as_bytes(), 200).await?;
        load.one_more_updated();
        let answered = Instant::now();
        until_shown(&mut views, customer, sequence, answered).await?;
        let latency = answered.elapsed().as_micros();
        latencies_us.push(u32::try_from(latency).unwrap_or(u32::MAX));
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Measured::new(latencies_us, start.elapsed()))
}

async fn until_shown(
    views: &mut PgConnection,
    customer: &str,
    sequence: i64,
    answered: Instant,
) -> Result<(), Error> {
    loop {
        let shown: Option<bool> = sqlx::query_scalar(SHOWN)
            .bind(customer)
            .bind(sequence)
            .fetch_optional(&mut *views)
            .await?;
        if shown == Some(true) {
            return Ok(());
        }
        if answered.elapsed() > VISIBLE_MAX {
            return Err(Error::Wrong(format!(
                "an update was in no view {} s after its answer",
                VISIBLE_MAX.as_secs()
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

//! Asks the store and Kafka what became of a request.

use std::collections::{BTreeMap, BTreeSet};

use events::ids::{Position, RequestId, Sequence, StoreName, StreamId};
use jiff::Timestamp;
use sqlx::PgPool;

use super::{Asked, Command, Event, Explained, Reached, Refusal, Topic, View, Who};
use crate::kafka::projector::{Projection, progress};
use crate::kafka::relay::{self, Located};
use crate::kafka::{Identity, KafkaConfig};

/// Why a request is not explained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is kept under the id.
    #[error(
        "no event and no refusal is kept of this request: it only read or changed nothing, was \
         refused before its caller was known, or is another ledger's"
    )]
    Unknown,
    /// The database did not answer.
    #[error("the store could not be read")]
    Store(#[from] sqlx::Error),
}

/// Events that are told of one request, and refusals: a night's import may share one id.
const TOLD_MAX: usize = 1000;

/// Where to ask for offsets.
#[derive(Clone, Copy)]
pub struct Kafka<'a> {
    /// The topic of the ledger's epoch.
    pub topic: &'a str,
    /// How to reach it, if it is known.
    pub config: Option<&'a KafkaConfig>,
}

/// Finds out what became of a request.
pub async fn find(
    pool: &PgPool,
    store: &StoreName,
    kafka: &Kafka<'_>,
    request: RequestId,
) -> Result<Explained, Error> {
    let (mut events, refusals) = (
        events(pool, store, &request).await?,
        refusals(pool, store, &request).await?,
    );
    if events.is_empty() && refusals.is_empty() {
        return Err(Error::Unknown);
    }
    let is_cut = events.len() > TOLD_MAX || refusals.len() > TOLD_MAX;
    events.truncate(TOLD_MAX);
    // The topic last: it may take seconds, and rows are what most ask for.
    see_views(pool, store, &mut events).await?;
    see_topic(pool, kafka, &mut events).await?;
    let mut projections = vec![];
    for projection in Projection::ALL {
        let progress = progress(pool, kafka.topic, projection).await?;
        projections.push(Reached {
            projection: projection.name(),
            watermark: progress.watermark,
            head: progress.head,
        });
    }
    Ok(Explained {
        request,
        commands: commands(events),
        refusals: refusals.into_iter().take(TOLD_MAX).collect(),
        is_cut,
        projections,
    })
}

/// What the request left, an event more than is told, each with who asked for it.
async fn events(
    pool: &PgPool,
    store: &StoreName,
    request: &RequestId,
) -> Result<Vec<(Asked, Event)>, sqlx::Error> {
    let rows: Vec<EventRow> = sqlx::query_as(
        // The inner query goes along the index of request ids, however many events have this one.
        "select time, metadata ->> 'actor_kind' as actor_kind, \
            metadata ->> 'actor_id' as actor_id, metadata ->> 'contract' as contract, \
            metadata ->> 'route' as route, position, aggregate_id, aggregate_type, sequence, \
            event_type, event_version \
         from (select * from events where metadata ->> 'request_id' = $2 and store = $1 offset 0) e \
         order by position limit $3",
    )
    .bind(store)
    .bind(request)
    .bind(fetched_max())
    .fetch_all(pool)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(EventRow::split).collect())
}

/// Events by command. All of one command share their time, and no two commands do.
fn commands(events: Vec<(Asked, Event)>) -> Vec<Command> {
    let mut commands: Vec<Command> = vec![];
    for (asked, event) in events {
        match commands.last_mut() {
            Some(command) if command.asked == asked => command.events.push(event),
            Some(_) | None => commands.push(Command {
                asked,
                events: vec![event],
            }),
        }
    }
    commands
}

/// What the request was refused, one more than is told.
async fn refusals(
    pool: &PgPool,
    store: &StoreName,
    request: &RequestId,
) -> Result<Vec<Refusal>, sqlx::Error> {
    let rows: Vec<RefusalRow> = sqlx::query_as(
        "select time, actor_kind, actor_id, contract, route, status, kind, fields \
         from (select * from refusals where request_id = $2 and store = $1 offset 0) r \
         order by refusal_id limit $3",
    )
    .bind(store)
    .bind(request)
    .bind(fetched_max())
    .fetch_all(pool)
    .await?;
    let refusal = |row: RefusalRow| Refusal {
        asked: row.asked.into(),
        status: row.status,
        kind: row.kind,
        fields: row.fields,
    };
    Ok(rows.into_iter().map(refusal).collect())
}

/// One more than is told says that there are more.
fn fetched_max() -> i64 {
    i64::try_from(TOLD_MAX + 1).unwrap_or(i64::MAX)
}

/// What a row of `events` or `refusals` says of who asked.
#[derive(sqlx::FromRow)]
struct AskedColumns {
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    time: Timestamp,
    actor_kind: String,
    actor_id: String,
    contract: String,
    route: String,
}

impl From<AskedColumns> for Asked {
    fn from(columns: AskedColumns) -> Self {
        Self {
            time: columns.time,
            actor: Who {
                kind: columns.actor_kind,
                id: columns.actor_id,
            },
            contract: columns.contract,
            route: columns.route,
        }
    }
}

/// A row of `refusals`.
#[derive(sqlx::FromRow)]
struct RefusalRow {
    #[sqlx(flatten)]
    asked: AskedColumns,
    status: i32,
    kind: String,
    fields: Vec<String>,
}

/// A row of `events`, without what it says.
#[derive(sqlx::FromRow)]
struct EventRow {
    #[sqlx(flatten)]
    asked: AskedColumns,
    position: Position,
    aggregate_id: StreamId,
    aggregate_type: String,
    sequence: Sequence,
    event_type: String,
    event_version: String,
}

impl EventRow {
    fn split(self) -> (Asked, Event) {
        let event = Event {
            position: self.position,
            stream: self.aggregate_id,
            kind: self.aggregate_type,
            sequence: self.sequence,
            type_name: self.event_type,
            version: self.event_version,
            topic: Topic::Waiting,
            views: vec![],
        };
        (self.asked.into(), event)
    }
}

/// How far a row of a view is.
#[derive(sqlx::FromRow)]
struct ViewRow {
    stream: StreamId,
    sequence: Sequence,
}

/// Says of each event where it is in the topic. Kafka is only asked for what was sent.
async fn see_topic(
    pool: &PgPool,
    kafka: &Kafka<'_>,
    events: &mut [(Asked, Event)],
) -> Result<(), sqlx::Error> {
    let Kafka { topic, config } = *kafka;
    let sent: Position = sqlx::query_scalar(
        "select coalesce(max(position), 0) from sent_positions where topic = $1",
    )
    .bind(topic)
    .fetch_one(pool)
    .await?;
    let sought: Vec<relay::Sought> = events
        .iter()
        .map(|(_, event)| event)
        .filter(|event| event.position <= sent)
        .map(|event| (event.position, event.stream.clone()))
        .collect();
    if sought.is_empty() {
        return Ok(());
    }
    let located = match config {
        None => Err("KAFKA_BROKERS is not set"),
        Some(config) => relay::locate(config, topic, &Identity::load(pool).await?, sought)
            .await
            .map_err(|error| {
                tracing::debug!(error = %error, "kafka was asked in vain");
                "Kafka did not answer"
            }),
    };
    let is_sent = |event: &&mut Event| event.position <= sent;
    for event in events.iter_mut().map(|(_, event)| event).filter(is_sent) {
        event.topic = match &located {
            Err(why) => Topic::Unknown { why },
            Ok(located) => match located.get(&event.position) {
                Some(Some(located)) => located.in_topic(topic),
                Some(None) => Topic::Missing,
                None => Topic::Unknown {
                    why: "a transaction is open in its partition",
                },
            },
        };
    }
    Ok(())
}

impl Located {
    fn in_topic(&self, topic: &str) -> Topic {
        Topic::Sent {
            topic: topic.to_owned(),
            partition: self.partition,
            offset: self.offset,
            time: self.sent,
        }
    }
}

/// Says of each event which rows hold it.
async fn see_views(
    pool: &PgPool,
    store: &StoreName,
    events: &mut [(Asked, Event)],
) -> Result<(), sqlx::Error> {
    let streams: BTreeSet<&StreamId> = events.iter().map(|(_, event)| &event.stream).collect();
    let streams: Vec<StreamId> = streams.into_iter().cloned().collect();
    let mut views: Vec<(&'static str, &'static str, BTreeMap<StreamId, Sequence>)> = vec![];
    for &(table, kind) in Projection::ALL.iter().flat_map(|one| one.views()) {
        let sql =
            format!("select stream, sequence from {table} where store = $1 and stream = any($2)");
        let rows: Vec<ViewRow> = sqlx::query_as(&sql)
            .bind(store)
            .bind(&streams)
            .fetch_all(pool)
            .await?;
        let rows = rows.into_iter().map(|row| (row.stream, row.sequence));
        views.push((table, kind.name(), rows.collect()));
    }
    for (_, event) in events {
        let of_kind = views.iter().filter(|(_, kind, _)| *kind == event.kind);
        event.views = of_kind
            .map(|(table, _, rows)| {
                let sequence = rows.get(&event.stream).copied();
                View {
                    table,
                    sequence,
                    holds: sequence.is_some_and(|sequence| sequence >= event.sequence),
                }
            })
            .collect();
    }
    Ok(())
}

//! The ledger's database as its owner sees it: made, looked at, and checked at the end.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use customer_ledger::auth::apps::{APP_TOKEN_LIFE, App, add_app, app_token};
use customer_ledger::auth::people::{Person, add_person};
use customer_ledger::auth::tokens::new_secret;
use customer_ledger::config::{DatabaseConfig, Secret};
use customer_ledger::contracts::shopline::rate::Plan;
use customer_ledger::database::DatabaseError;
use customer_ledger::database::migrate;
use customer_ledger::event_store::keys::keyring::Keyring;
use devkit::postgres::Postgres;
use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use crate::error::Error;

const POLL: Duration = Duration::from_millis(50);

/// By how many positions each part is behind the head: the relay by the last position it sent, a projection
/// by what its partitions hold. See `migrations/0008_kafka.sql`.
const LAG: &str = "\
    with head as (select coalesce(max(position), 0) as position from events), \
    reached as ( \
        select p.projection, m.position as sent, coalesce(o.applied, 0) as applied \
        from (select distinct projection from projection_offsets) p cross join sent_positions m \
        left join projection_offsets o on o.projection = p.projection and o.topic = m.topic \
            and o.partition = m.partition) \
    select 'relay', (select position from head) \
        - (select coalesce(max(position), 0) from sent_positions) \
    union all \
    select projection, (select position from head) \
        - coalesce(min(applied) filter (where applied < sent), max(sent), 0) \
    from reached group by projection";

/// SHOPLINE's handle of the store.
pub(crate) const HANDLE: &str = "bench";
/// SHOPLINE's id of the store.
pub(crate) const STORE_ID: &str = "1672369729606";

/// One ledger's database.
pub(crate) struct Store {
    /// Where it is, as the owner.
    pub(crate) url: String,
    /// The master key.
    pub(crate) master_key: [u8; 32],
    /// Opens Medusa's contract.
    pub(crate) api_token: String,
    /// Signs the app's token.
    pub(crate) jwt_secret: String,
    /// Opens SHOPLINE's contract.
    pub(crate) app_token: String,
    owner: PgPool,
}

impl Store {
    /// A new, empty ledger that one person may use.
    pub(crate) async fn create(postgres: &Postgres, database: &str) -> Result<Self, Error> {
        let url = create_database(postgres, database).await?;
        migrate::migrate(&url).await?;
        let owner = owner_pool(&url).await?;
        let (master_key, api_token) = (rand::random(), new_secret());
        let person = Person {
            email: "bench@example.com",
            first_name: "Ada",
            last_name: "Min",
            role: "member",
            password: &new_secret(),
            api_token: &api_token,
        };
        // The store's name is the setting's default.
        let keyring = Keyring::new(&master_key);
        add_person(&owner, &keyring, &"main".into(), &person).await?;
        let app = App {
            key: "bench",
            secret: Some(&new_secret()),
            scopes: &["read_customers".to_owned()],
            plan: Plan::Unlimited,
        };
        add_app(&owner, &keyring, &"main".into(), &app).await?;
        let (secret, life) = (new_secret(), APP_TOKEN_LIFE);
        let token = app_token(&secret, app.key, HANDLE, STORE_ID, now(), life);
        Ok(Self {
            url,
            master_key,
            api_token,
            jwt_secret: secret,
            app_token: token,
            owner,
        })
    }

    /// The service's settings for it.
    pub(crate) fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            url: Secret(self.url.clone()),
            role: Some("ledger_app".to_owned()),
        }
    }

    /// Writes down what was written before, so that no measurement pays for another.
    pub(crate) async fn checkpoint(&self) -> Result<(), Error> {
        sqlx::query("checkpoint").execute(&self.owner).await?;
        Ok(())
    }

    /// A connection as the owner.
    pub(crate) async fn connect(&self) -> Result<PoolConnection<sqlx::Postgres>, Error> {
        Ok(self.owner.acquire().await?)
    }

    /// How to connect as the owner.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, Error> {
        connect_options(&self.url)
    }

    /// Gathers statistics, as the server would do by itself a minute later.
    pub(crate) async fn analyze(&self) -> Result<(), Error> {
        sqlx::query("vacuum analyze").execute(&self.owner).await?;
        Ok(())
    }

    /// By how many positions the relay and each projection are behind.
    pub(crate) async fn lag(&self) -> Result<Vec<(String, i64)>, Error> {
        Ok(sqlx::query_as(LAG).fetch_all(&self.owner).await?)
    }

    /// How long it takes until nothing is behind; `None` when it takes longer than this.
    pub(crate) async fn catch_up(&self, longest: Duration) -> Result<Option<Duration>, Error> {
        let start = Instant::now();
        while start.elapsed() < longest {
            if self.lag().await?.iter().all(|(_, lag)| *lag == 0) {
                return Ok(Some(start.elapsed()));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(None)
    }

    /// Every answered request is one event, and positions are 1..N. The mean size of an event.
    pub(crate) async fn check(&self, customers: u64, updates: u64) -> Result<u64, Error> {
        let Totals {
            events,
            first,
            last,
            created,
            bytes,
        } = sqlx::query_as(
            "select count(*) as events, coalesce(min(position), 0) as first, \
                coalesce(max(position), 0) as last, \
                count(*) filter (where event_type = 'CustomerCreated') as created, \
                coalesce(avg(length(payload::text) + length(metadata::text)), 0)::bigint as bytes \
             from events",
        )
        .fetch_one(&self.owner)
        .await?;
        let expected = i64::try_from(customers + updates).unwrap_or(i64::MAX);
        if (events, created) != (expected, i64::try_from(customers).unwrap_or(i64::MAX)) {
            return Err(Error::Wrong(format!(
                "{customers} created customers and {updates} updates were answered, and the store \
                 holds {events} events, {created} of them creations"
            )));
        }
        // No position is there twice: the table says so.
        if (first, last) != (1, events) {
            return Err(Error::Wrong(format!(
                "{events} events have the positions {first} to {last}"
            )));
        }
        Ok(bytes.unsigned_abs())
    }
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A new database on the cluster; its URL.
pub(crate) async fn create_database(postgres: &Postgres, name: &str) -> Result<String, Error> {
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await?;
    sqlx::query(&format!("create database {name}"))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(postgres.url(name))
}

/// One connection as the owner.
pub(crate) async fn owner_pool(url: &str) -> Result<PgPool, Error> {
    let options = connect_options(url)?;
    let pool = PgPoolOptions::new().max_connections(1);
    // A checkpoint may take seconds: no news.
    let options = options.disable_statement_logging();
    Ok(pool.connect_with(options).await?)
}

fn connect_options(url: &str) -> Result<PgConnectOptions, Error> {
    let options = PgConnectOptions::from_str(url);
    Ok(options.map_err(|_unparsable| DatabaseError::Url("the private cluster"))?)
}

/// What the store holds in all.
#[derive(sqlx::FromRow)]
struct Totals {
    events: i64,
    first: i64,
    last: i64,
    created: i64,
    bytes: i64,
}

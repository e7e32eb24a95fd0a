//! `ledger dev`: the whole ledger on this machine, on a private Postgres and an embedded Kafka broker
//! unless others are given.

mod secrets;

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use devkit::broker::{self, Broker};
use devkit::postgres::{self, Postgres};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::net::TcpListener;

use self::secrets::Secrets;
use crate::auth::apps::{App, add_app};
use crate::auth::people::{Person, add_person};
use crate::auth::tokens::add_ledger_token;
use crate::config::kafka::GivenPrefix;
use crate::config::{
    Config, ConfigError, DatabaseConfig, DevConfig, MasterKey, Secret, Settings, ShoplineConfig,
};
use crate::contracts::shopline::rate::Plan;
use crate::database::migrate;
use crate::database::{self, DatabaseError};
use crate::event_store::keys::keyring::Keyring;
use crate::kafka::{self, Identity, KafkaConfig};
use crate::serve::{Roles, ServeError, listen, serve};
use crate::shutdown::Lifecycle;

/// The private cluster's database.
const DATABASE: &str = "ledger";
/// Partitions of the topic.
const PARTITIONS: i32 = 12;
/// How long given brokers may take to answer.
const BROKERS_TIMEOUT: Duration = Duration::from_secs(10);
/// The demo app, and the one that may only read.
const DEMO_APPS: [(&str, &[&str]); 2] = [
    (
        "de00000000000000000000000000000000000001",
        &["read_customers", "write_customers"],
    ),
    (
        "de00000000000000000000000000000000000002",
        &["read_customers"],
    ),
];

/// Why `ledger dev` did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error("LEDGER_DATA {path} cannot be used: {reason}")]
    Data {
        /// The directory or a file in it.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another ledger runs on the same data.
    #[error("LEDGER_DATA {0} is in use by another ledger")]
    InUse(PathBuf),
    /// A token was given that opens nothing.
    #[error("{0} is not a token for this store signed with SHOPLINE_JWT_SECRET")]
    Token(&'static str),
    /// The given brokers do not answer.
    #[error("no broker of KAFKA_BROKERS answers")]
    Brokers,
    /// The private Postgres did not start or stop.
    #[error("the private Postgres of LEDGER_DATA, without which DATABASE_URL is needed, failed")]
    Postgres(#[from] postgres::Error),
    /// The embedded broker did not start.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// The database will not do.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The private cluster has the tables of another build.
    #[error(
        "the data in {} were made by another build of the ledger, and this one cannot take them over: \
         remove that folder, or set LEDGER_DATA to another one", .0.display()
    )]
    OtherBuild(PathBuf),
    /// The tables could not be made.
    #[error(transparent)]
    Migrate(#[from] migrate::Error),
    /// The ledger did not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Runs the whole ledger on this machine, with whatever it needs and was not given, until a signal.
pub async fn run(settings: &Settings) -> Result<(), Error> {
    let given: DevConfig = settings.read()?;
    let data = Data::open(given.data()?)?;
    let store = settings.read()?;
    let secrets = Secrets::load_or_make(&data.path, &given.secrets, &store)?;
    // What is wrong with the settings is found before anything is started or made.
    let shopline = ShoplineConfig {
        store,
        jwt_secret: Secret(secrets.get("SHOPLINE_JWT_SECRET").to_owned()),
    };
    let config = settings_config(settings, &secrets, shopline)?;
    let GivenPrefix { prefix } = settings.read()?;
    let listener = listen(&config).await?;
    if let Some(kafka) = &config.kafka {
        ask_brokers(&kafka.brokers).await?;
    }
    secrets.keep(&data.path)?;
    let lifecycle = Lifecycle::default();
    lifecycle
        .stop_on_signal()
        .map_err(|error| data.fails(&error))?;
    let postgres = match &given.database_url {
        Some(_) => None,
        None => Some(Postgres::start(&data.path.join("postgres")).await?),
    };
    let dev = Dev {
        given,
        has_prefix: prefix.is_some(),
        secrets,
        data,
        lifecycle,
    };
    let ended = dev.run_on(postgres.as_ref(), config, listener).await;
    let stopped = match postgres {
        Some(postgres) => postgres.stop().await,
        None => Ok(()),
    };
    ended.and(stopped.map_err(Error::from))
}

/// The configuration before a database is known.
fn settings_config(
    settings: &Settings,
    secrets: &Secrets,
    shopline: ShoplineConfig,
) -> Result<Config, ConfigError> {
    let master_key = MasterKey::parse(secrets.get("LEDGER_MASTER_KEY"))?;
    let unknown = DatabaseConfig {
        url: Secret(String::new()),
        role: None,
    };
    let mut config = Config::read_with(settings, unknown, master_key, shopline)?;
    config.medusa.jwt_secret = Some(Secret(secrets.get("MEDUSA_JWT_SECRET").to_owned()));
    Ok(config)
}

/// A start of `ledger dev`.
struct Dev {
    given: DevConfig,
    /// Whether `KAFKA_PREFIX` was given, and is not only its default.
    has_prefix: bool,
    secrets: Secrets,
    data: Data,
    lifecycle: Lifecycle,
}

impl Dev {
    /// Prepares the database and serves, until a signal, which may come before all is prepared.
    async fn run_on(
        &self,
        postgres: Option<&Postgres>,
        mut config: Config,
        listener: TcpListener,
    ) -> Result<(), Error> {
        let prepare = async {
            let owner_url = if let Some(postgres) = postgres {
                create_database(&postgres.url("postgres")).await?;
                postgres.url(DATABASE)
            } else {
                let given = self.given.database_url.as_ref();
                given.map(|url| url.0.clone()).unwrap_or_default()
            };
            let prepared = self.prepare(&owner_url, &mut config).await;
            let identity = prepared.map_err(|error| about_data(error, postgres))?;
            Ok::<_, Error>((owner_url, identity))
        };
        let (owner_url, identity) = tokio::select! {
            prepared = prepare => prepared?,
            () = self.lifecycle.stop.cancelled() => return Ok(()),
        };
        let (kafka, broker) = kafka(self.has_prefix, &config, &identity)?;
        let topic = kafka::topic(&kafka.prefix, identity.epoch);
        config.kafka_prefix.clone_from(&kafka.prefix);
        let base_url = listener
            .local_addr()
            .map(|address| format!("http://{address}"))
            .map_err(|error| self.data.fails(&error))?;
        let email = &self.given.admin_email;
        let environment = self.secrets.environment(&[
            ("BASE_URL", &base_url),
            ("DATABASE_URL", &owner_url),
            ("KAFKA_BROKERS", &kafka.brokers),
            ("KAFKA_PREFIX", &kafka.prefix),
            ("KAFKA_TOPIC", &topic),
            ("MEDUSA_ADMIN_EMAIL", email),
            ("SHOPLINE_HANDLE", &config.shopline.store.handle),
        ]);
        config.kafka = Some(kafka);
        self.data.write("dev.env", &environment)?;
        let welcome = welcome(
            &base_url,
            email,
            &self.secrets,
            &self.data,
            broker.is_some(),
        );
        let ready = || say(&welcome);
        serve(config, Roles::ALL, listener, &self.lifecycle, ready).await?;
        drop(broker);
        Ok(())
    }

    /// Brings the database to this version, and makes the demo store in it.
    async fn prepare(&self, owner_url: &str, config: &mut Config) -> Result<Identity, Error> {
        migrate::migrate(owner_url).await?;
        // The owner's login, but the service's rights: no password of a shared role to agree on.
        config.database = DatabaseConfig {
            url: Secret(owner_url.to_owned()),
            role: Some("ledger_app".to_owned()),
        };
        let keyring = Keyring::new(&config.master_key.0);
        // Before anything is written with it: is this the master key of this database?
        let owner = database::open_as_owner("DATABASE_URL", owner_url, &keyring).await?;
        make_demo_store(
            &owner,
            &keyring,
            config,
            &self.given.admin_email,
            &self.secrets,
        )
        .await?;
        let identity = Identity::load(&owner).await?;
        owner.close().await;
        Ok(identity)
    }
}

/// Names the folder of the private cluster, where that is what cannot be used.
fn about_data(error: Error, postgres: Option<&Postgres>) -> Error {
    match (error, postgres) {
        (
            Error::Migrate(migrate::Error::Database(DatabaseError::OtherBuild(_))),
            Some(postgres),
        ) => Error::OtherBuild(postgres.data_dir().to_owned()),
        (error, _) => error,
    }
}

/// What a person sees once all runs. The two requests can be sent again and again: each makes another
/// customer.
fn welcome(base_url: &str, email: &str, secrets: &Secrets, data: &Data, embedded: bool) -> String {
    let mut text = format!(
        "The ledger runs at {base_url}; settings and tokens are in {}.\n\n  \
         Medusa               {base_url}/admin/…\n                       \
         x-medusa-access-token: {medusa}\n                       \
         or sign in at /admin/auth/token as {email}\n                       \
         with the password {password}\n  \
         SHOPLINE             {base_url}/admin/openapi/v20220901/…\n                       \
         authorization: Bearer {shopline}\n  \
         SHOPLINE, read only  authorization: Bearer {}\n  \
         the ledger           {base_url}/ledger/customers/…\n                       \
         authorization: Bearer {}\n\n\
         Create a customer as Medusa's admin does:\n\n  \
         curl -s {base_url}/admin/customers -H 'x-medusa-access-token: {medusa}' \
         -H 'content-type: application/json' -d '{{\"email\":\"ann-'$(date +%s%N)'@example.com\",\
         \"first_name\":\"Ann\",\"last_name\":\"Lee\",\"password\":\"\"}}'\n\n\
         Create one as an app of SHOPLINE's does:\n\n  \
         curl -s {base_url}/admin/openapi/v20220901/customers.json \
         -H 'authorization: Bearer {shopline}' -H 'content-type: application/json' \
         -d '{{\"customer\":{{\"email\":\"bob-'$(date +%s%N)'@example.com\",\
         \"first_name\":\"Bob\"}}}}'\n\n",
        data.path.join("dev.env").display(),
        secrets.get("SHOPLINE_READ_TOKEN"),
        secrets.get("LEDGER_TOKEN"),
        medusa = secrets.get("MEDUSA_API_TOKEN"),
        password = secrets.get("MEDUSA_ADMIN_PASSWORD"),
        shopline = secrets.get("SHOPLINE_TOKEN"),
    );
    if embedded {
        text.push_str(
            "Kafka is an embedded stand-in: it keeps nothing on disk and knows no transactions. \
             With KAFKA_BROKERS set a real one is used.\n",
        );
    }
    text.push_str("Ctrl-C stops everything.\n");
    text
}

fn say(text: &str) {
    // Nobody may be reading: that is no reason not to run.
    drop(io::stdout().lock().write_all(text.as_bytes()));
}

async fn create_database(url: &str) -> Result<(), Error> {
    let mut connection = PgConnection::connect(url).await?;
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !there {
        sqlx::query(&format!("create database {DATABASE}"))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// The demo admin, the two demo apps and the ledger token. The admin's names and role are those of
/// the recorded case `auth-login-ok-http`.
async fn make_demo_store(
    owner: &PgPool,
    keyring: &Keyring,
    config: &Config,
    email: &str,
    secrets: &Secrets,
) -> Result<(), Error> {
    let store = &config.ledger.store;
    let admin = Person {
        email,
        first_name: "Ada",
        last_name: "Min",
        role: "member",
        password: secrets.get("MEDUSA_ADMIN_PASSWORD"),
        api_token: secrets.get("MEDUSA_API_TOKEN"),
    };
    add_person(owner, keyring, store, &admin).await?;
    // The wider scopes last: both tokens may have been given, and name one app.
    for ((key, scopes), token) in DEMO_APPS
        .iter()
        .zip(["SHOPLINE_TOKEN", "SHOPLINE_READ_TOKEN"])
        .rev()
    {
        let claims = secrets.app_of(token).ok_or(Error::Token(token))?;
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let secret = secrets.get("SHOPLINE_APP_SECRET");
        // A given token may name an app of its own.
        for key in [*key, claims.as_str()] {
            add_app(
                owner,
                keyring,
                store,
                &App {
                    key,
                    secret: Some(secret),
                    scopes: &scopes,
                    // Whoever tries it out, or measures it, asks as often as they like.
                    plan: Plan::Unlimited,
                },
            )
            .await?;
        }
    }
    let scopes = ["ledger:read".to_owned(), "ledger:open".to_owned()];
    add_ledger_token(
        owner,
        keyring,
        store,
        "demo",
        secrets.get("LEDGER_TOKEN"),
        &scopes,
    )
    .await?;
    Ok(())
}

/// One of the given brokers has to answer.
async fn ask_brokers(brokers: &str) -> Result<(), Error> {
    let brokers = brokers.to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &brokers)
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        let client: BaseConsumer = client.create().ok()?;
        client.fetch_metadata(None, BROKERS_TIMEOUT).ok()
    });
    match answer.await {
        Ok(Some(_)) => Ok(()),
        Ok(None) | Err(_) => Err(Error::Brokers),
    }
}

/// The given Kafka, or an embedded broker.
fn kafka(
    has_prefix: bool,
    config: &Config,
    identity: &Identity,
) -> Result<(KafkaConfig, Option<Broker>), Error> {
    if let Some(kafka) = &config.kafka {
        let mut kafka = kafka.clone();
        if !has_prefix {
            // Several ledgers may share a Kafka: each keeps to topics of its own.
            let (short, _) = identity
                .ledger_id
                .split_once('-')
                .unwrap_or((&identity.ledger_id, ""));
            write!(kafka.prefix, "-{short}").expect("writing to a text never fails");
        }
        return Ok((kafka, None));
    }
    let prefix = config.kafka_prefix.clone();
    let topic = kafka::topic(&prefix, identity.epoch);
    let broker = Broker::start(&[(&topic, PARTITIONS)])?;
    let brokers = broker.brokers().to_owned();
    Ok((
        KafkaConfig {
            brokers,
            prefix,
            embedded: true,
        },
        Some(broker),
    ))
}

/// The data directory, held by this process alone.
struct Data {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Data {
    fn open(path: PathBuf) -> Result<Self, Error> {
        let fails = |error: &io::Error| Error::Data {
            path: path.clone(),
            reason: error.to_string(),
        };
        // The server's user has to pass through; what is secret in it has a mode of its own.
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&path)
            .map_err(|e| fails(&e))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("ledger.lock"))
            .map_err(|error| fails(&error))?;
        if lock.try_lock().is_err() {
            return Err(Error::InUse(path));
        }
        Ok(Self { path, _lock: lock })
    }

    fn fails(&self, error: &io::Error) -> Error {
        Error::Data {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        write_private(&self.path.join(name), text).map_err(|error| self.fails(&error))
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    // One that was left behind may have another mode.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

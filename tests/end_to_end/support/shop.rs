//! A shop: a database and a topic of its own, the tokens of its callers, and as many ledger
//! processes as a test wants.

use std::net::SocketAddr;
use std::process::Stdio;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use customer_ledger::auth::apps::{APP_TOKEN_LIFE, App, add_app, app_token};
use customer_ledger::auth::people::{Person, add_person};
use customer_ledger::auth::tokens::add_ledger_token;
use customer_ledger::config::{Config, Settings};
use customer_ledger::contracts::shopline::rate::Plan;
use customer_ledger::event_store::Ledger;
use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::kafka::{Identity, KafkaConfig, topic};
use customer_ledger::serve::{self, Roles, ServeError};
use customer_ledger::shutdown::Lifecycle;
use devkit::http::{Answer, Call};
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::kafka;
use super::postgres::{Database, database};

/// The api token of the shop's admin, also in Medusa's recorded cases.
pub(crate) const API_TOKEN: &str = "peer-token";
/// The shop's admin, as in Medusa's recorded cases.
pub(crate) const ADMIN_EMAIL: &str = "admin@medusa-test.com";
pub(crate) const ADMIN_PASSWORD: &str = "supersecret";
/// Signs Medusa's bearer tokens.
pub(crate) const MEDUSA_JWT_SECRET: &str = "a secret for the bearers of the tests";
/// The ledger token.
pub(crate) const LEDGER_TOKEN: &str = "ledger-token";
pub(crate) const JWT_SECRET: &str = "a secret of the tests";
const MASTER_KEY: [u8; 32] = [7; 32];
/// How long a process that has nothing to do may take to end.
const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const HANDLE: &str = "demo";
pub(crate) const STORE_ID: &str = "1672369729606";

/// A shop without a process yet.
pub(crate) struct Shop {
    pub(crate) database: Database,
    pub(crate) kafka: KafkaConfig,
    pub(crate) shopline_token: String,
    pub(crate) shopline_read_token: String,
}

/// One ledger process. Dropped, it is killed.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) child: Child,
    pub(crate) log: Arc<Mutex<String>>,
    shopline_token: String,
}

impl Shop {
    /// A shop on the real Kafka.
    pub(crate) async fn open() -> Self {
        Self::open_on(database().await).await
    }

    /// A shop in a database of its own.
    pub(crate) async fn open_on(database: Database) -> Self {
        let owner = PgPool::connect_with(PgConnectOptions::from_str(&database.owner_url).unwrap())
            .await
            .unwrap();
        let keyring = Keyring::new(&MASTER_KEY);
        let admin = Person {
            email: ADMIN_EMAIL,
            first_name: "Ada",
            last_name: "Min",
            role: "member",
            password: ADMIN_PASSWORD,
            api_token: API_TOKEN,
        };
        add_person(&owner, &keyring, &"main".into(), &admin)
            .await
            .unwrap();
        let all = ["read_customers".to_owned(), "write_customers".to_owned()];
        for (key, scopes) in [("app", &all[..]), ("reader", &all[..1])] {
            add_app(
                &owner,
                &keyring,
                &"main".into(),
                &App {
                    key,
                    secret: Some("s"),
                    scopes,
                    // The tests ask faster than any app may.
                    plan: Plan::Unlimited,
                },
            )
            .await
            .unwrap();
        }
        let scopes = ["ledger:read".to_owned(), "ledger:open".to_owned()];
        add_ledger_token(
            &owner,
            &keyring,
            &"main".into(),
            "tests",
            LEDGER_TOKEN,
            &scopes,
        )
        .await
        .unwrap();
        owner.close().await;
        Self {
            database,
            kafka: kafka::config(),
            shopline_token: token("app"),
            shopline_read_token: token("reader"),
        }
    }

    /// Starts a process with these roles, and waits until it is ready.
    pub(crate) async fn serve(&self, roles: &str) -> Server {
        self.serve_with(roles, &[]).await
    }

    /// Starts a process with further settings.
    pub(crate) async fn serve_with(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["serve", "--roles", roles], settings);
        command.stderr(Stdio::piped());
        self.serve_by(command).await
    }

    /// Starts a process by a command whose standard error is a pipe.
    pub(crate) async fn serve_by(&self, command: Command) -> Server {
        let (child, log, address) = spawn(command);
        let address = address
            .await
            .unwrap_or_else(|_| panic!("{}", log.lock().unwrap()));
        let shopline_token = self.shopline_token.clone();
        Server {
            base: format!("http://{address}"),
            child,
            log,
            shopline_token,
        }
    }

    /// Starts a process that is expected to end by itself: its exit code and log.
    pub(crate) async fn fails(&self, roles: &str, settings: &[(&str, &str)]) -> (i32, String) {
        let mut command = self.command(&["serve", "--roles", roles], settings);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.expect("it ends by itself").unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), log)
    }

    /// A `ledger` command with the shop's settings, further settings above them.
    pub(crate) fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
        command
            .args(arguments)
            .envs(self.settings())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a `ledger` command with a line of standard input: exit code, standard output, standard
    /// error.
    pub(crate) async fn run(&self, arguments: &[&str], line: &str) -> (i32, String, String) {
        let mut child = self
            .command(arguments, &[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who reads nothing may be gone already.
        drop(stdin.write_all(line.as_bytes()).await);
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    }

    /// The settings of every process of the shop.
    fn settings(&self) -> [(&'static str, String); 10] {
        [
            ("LEDGER_LISTEN", "127.0.0.1:0".to_owned()),
            ("LEDGER_MASTER_KEY", hex::encode(MASTER_KEY)),
            ("DATABASE_URL", self.database.owner_url.clone()),
            ("DATABASE_ROLE", "ledger_app".to_owned()),
            ("KAFKA_BROKERS", self.kafka.brokers.clone()),
            ("KAFKA_PREFIX", self.kafka.prefix.clone()),
            ("SHOPLINE_JWT_SECRET", JWT_SECRET.to_owned()),
            ("MEDUSA_JWT_SECRET", MEDUSA_JWT_SECRET.to_owned()),
            ("SHOPLINE_HANDLE", HANDLE.to_owned()),
            ("SHOPLINE_STORE_ID", STORE_ID.to_owned()),
        ]
    }

    /// Serves all roles in the test's own process; stopped, it drains. The address, and a task that
    /// ends with the server.
    pub(crate) async fn serve_here(
        &self,
        lifecycle: Arc<Lifecycle>,
    ) -> (SocketAddr, JoinHandle<Result<(), ServeError>>) {
        let settings = self.settings().into_iter();
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let settings = Settings::new("", settings.collect()).unwrap();
        let config = Config::read(&settings).unwrap();
        let listener = serve::listen(&config).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            serve::serve(config, Roles::ALL, listener, &lifecycle, || {}).await
        });
        (address, serving)
    }

    /// The same shop's ledger in this process, for what no contract can ask for.
    pub(crate) fn ledger(&self) -> Ledger {
        let pool = self.database.pool.clone();
        let keyring = Arc::new(Keyring::new(&MASTER_KEY));
        Ledger::open(
            pool.clone(),
            pool,
            keyring,
            "main".into(),
            Arc::new(Notify::new()),
        )
    }

    /// The events of a stream, in order: type names.
    pub(crate) async fn event_types(&self, stream: &str) -> Vec<String> {
        sqlx::query_scalar(
            "select event_type from events where aggregate_id = $1 order by sequence",
        )
        .bind(stream)
        .fetch_all(&self.database.pool)
        .await
        .unwrap()
    }

    /// The topic of the ledger's epoch.
    pub(crate) async fn topic(&self) -> String {
        let identity = Identity::load(&self.database.pool).await.unwrap();
        topic(&self.kafka.prefix, identity.epoch)
    }

    /// The ledger's last position.
    pub(crate) async fn head(&self) -> i64 {
        customer_ledger::event_store::reader::head(&self.database.pool)
            .await
            .unwrap()
            .get()
    }
}

/// The keys of every shop.
pub(crate) fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new(&MASTER_KEY))
}

/// A token of an app for the shop.
pub(crate) fn token(app: &str) -> String {
    app_token(JWT_SECRET, app, HANDLE, STORE_ID, now(), APP_TOKEN_LIFE)
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

fn spawn(mut command: Command) -> (Child, Arc<Mutex<String>>, oneshot::Receiver<String>) {
    let mut child = command.spawn().unwrap();
    let log = Arc::new(Mutex::new(String::new()));
    let (ready, address) = oneshot::channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    tokio::spawn(read_log(lines, Arc::clone(&log), ready));
    (child, log, address)
}

async fn read_log(
    mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
    log: Arc<Mutex<String>>,
    ready: oneshot::Sender<String>,
) {
    let mut ready = Some(ready);
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, address)) = line.split_once("ready address=")
            && let Some(ready) = ready.take()
        {
            drop(ready.send(address.trim().to_owned()));
        }
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}

impl Server {
    /// A request of Medusa's admin.
    pub(crate) fn medusa(&self, method: Method, path: &str) -> Call {
        Call::new(method, &self.base, path).header("x-medusa-access-token", API_TOKEN)
    }

    /// A request of the app that may do everything; the path begins after the version.
    pub(crate) fn shopline(&self, method: Method, path: &str) -> Call {
        self.shopline_at("v20220901", method, path)
    }

    /// The same at another version.
    pub(crate) fn shopline_at(&self, version: &str, method: Method, path: &str) -> Call {
        let path = format!("/admin/openapi/{version}/{path}");
        Call::new(method, &self.base, &path)
            .header("authorization", &format!("Bearer {}", self.shopline_token))
    }

    /// Creates a guest through Medusa: the customer as answered.
    pub(crate) async fn create_guest(&self, email: &str) -> Value {
        let guest = json!({ "email": email, "first_name": "Gustavius", "last_name": "Guest",
            "password": "" });
        let answer = self
            .medusa(Method::POST, "/admin/customers")
            .json(&guest)
            .send()
            .await;
        answer.ok()["customer"].clone()
    }

    /// Creates a group: its id in Medusa.
    pub(crate) async fn create_group(&self, name: &str) -> String {
        let answer = self
            .medusa(Method::POST, "/admin/customer-groups")
            .json(&json!({ "name": name }))
            .send()
            .await;
        let group = &answer.ok()["customer_group"];
        group["id"].as_str().unwrap().to_owned()
    }

    /// What `/ready` says.
    pub(crate) async fn ready(&self) -> Answer {
        Call::new(Method::GET, &self.base, "/ready").send().await
    }

    /// Sends a signal to it.
    pub(crate) async fn signal(&self, signal: &str) {
        let script = format!("kill -s {signal} {}", self.child.id().unwrap());
        let sent = Command::new("sh").args(["-c", &script]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Updates a customer through Medusa.
    pub(crate) async fn update(&self, id: &str, body: &Value) -> Answer {
        self.medusa(Method::POST, &format!("/admin/customers/{id}"))
            .json(body)
            .send()
            .await
    }

    /// Updates a customer through SHOPLINE.
    pub(crate) async fn put(&self, id: &str, customer: &Value) -> Answer {
        let body = json!({ "customer": customer });
        self.shopline(Method::PUT, &format!("customers/{id}.json"))
            .json(&body)
            .send()
            .await
    }

    /// A customer as Medusa shows it.
    pub(crate) async fn get_medusa(&self, id: &str) -> Answer {
        self.medusa(Method::GET, &format!("/admin/customers/{id}"))
            .send()
            .await
    }

    /// A customer as SHOPLINE shows it.
    pub(crate) async fn get_shopline(&self, id: &str) -> Answer {
        self.shopline(Method::GET, &format!("customers/v2/{id}.json"))
            .send()
            .await
    }

    /// A customer's ids: `{"ids":{…},"sequence":…,"position":…,"head":…}`.
    pub(crate) async fn ids(&self, id: &str) -> Answer {
        Call::new(Method::GET, &self.base, &format!("/ledger/customers/{id}"))
            .header("authorization", &format!("Bearer {LEDGER_TOKEN}"))
            .send()
            .await
    }

    /// Kills it as the kernel does: no warning, no draining.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

//! The ledger under torture: six processes of the program itself, a Postgres and a Kafka of our own,
//! and a proxy on every way between them. All of it ends with this process, whatever ends it.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use customer_ledger::auth::apps::{APP_TOKEN_LIFE, App, add_app, app_token};
use customer_ledger::auth::people::{Person, add_person};
use customer_ledger::auth::tokens::{add_ledger_token, new_secret};
use customer_ledger::contracts::shopline::rate::Plan;
use customer_ledger::database::migrate;
use customer_ledger::event_store::keys::keyring::Keyring;
use devkit::kafka::node::Node;
use devkit::postgres::Postgres;
use devkit::proxy::Proxy;
use devkit::scratch::Scratch;
use jiff::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::client::{Call, Keys, Reply};
use crate::{Error, say, system, tail};

/// The ledger's topic: that of the first epoch.
pub(crate) const TOPIC: &str = "torture.events";
const PREFIX: &str = "torture";
const DATABASE: &str = "torture";
const HANDLE: &str = "torture";
const STORE_ID: &str = "1672369729606";
/// How long a process may take until it is ready.
const START_MAX: Duration = Duration::from_mins(3);
/// What it means that it is not there.
pub(crate) const SETPRIV: &str = "setpriv could not be run: the package util-linux has it";
const POLL: Duration = Duration::from_millis(50);
/// The advisory lock that the leading relay holds, as any administrator can look it up.
const LEADERS_PORT: &str = "select client_port from pg_locks join pg_stat_activity using (pid) \
    where locktype = 'advisory' and objid = 1818453875 and granted";

/// What a process does. There are two of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Serves the contracts.
    Api,
    /// Carries records to Kafka.
    Relay,
    /// Builds the views.
    Projector,
}

impl Role {
    const ALL: [Self; 3] = [Self::Api, Self::Relay, Self::Projector];

    const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Relay => "relay",
            Self::Projector => "projector",
        }
    }
}

/// One process of the ledger, which may be dead.
struct Member {
    role: Role,
    port: u16,
    /// Its way to Postgres.
    way: Proxy,
    log: PathBuf,
    child: Option<Child>,
}

/// Everything that runs.
pub(crate) struct Cluster {
    /// What opens the ledger's doors.
    pub(crate) keys: Keys,
    /// The master key.
    pub(crate) master_key: [u8; 32],
    /// The way of relays and projectors to Kafka.
    pub(crate) kafka_way: Proxy,
    /// Kafka.
    pub(crate) kafka: Node,
    postgres: Option<Postgres>,
    /// The way of the control to Postgres: nobody cuts it.
    control_way: Proxy,
    members: Vec<Member>,
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
    dir: Scratch,
}

impl Cluster {
    /// Starts everything. `sql` changes the database, for those who take a guard away; `settings` are
    /// further settings of every process.
    pub(crate) async fn start(
        program: &Path,
        sql: &str,
        settings: &[(&'static str, String)],
    ) -> Result<Self, Error> {
        let dir = Scratch::make(Path::new("/var/tmp"), "torture");
        let dir = dir.map_err(system("a directory below /var/tmp"))?;
        let postgres = Postgres::start(&dir.path.join("postgres")).await?;
        let master_key = rand::random();
        let jwt_secret = new_secret();
        let keys = prepare(&postgres, &master_key, &jwt_secret, sql).await?;
        let kafka_way = Proxy::listen().await.map_err(system("no port is free"))?;
        let ports = [free_port()?, free_port()?];
        let mut kafka =
            Node::make(&dir.path.join("kafka"), ports, kafka_way.address.port()).await?;
        kafka.start().await?;
        kafka_way.lead_to(kafka.port);
        let mut members = vec![];
        for role in Role::ALL {
            for number in 0..2 {
                members.push(Member {
                    role,
                    port: free_port()?,
                    way: Proxy::listen().await.map_err(system("no port is free"))?,
                    log: dir.path.join(format!("{}-{number}.log", role.name())),
                    child: None,
                });
            }
        }
        let mut all = vec![
            ("LEDGER_LOG", "warn".to_owned()),
            ("LEDGER_MASTER_KEY", hex::encode(master_key)),
            ("SHOPLINE_JWT_SECRET", jwt_secret),
            ("SHOPLINE_HANDLE", HANDLE.to_owned()),
            ("SHOPLINE_STORE_ID", STORE_ID.to_owned()),
            ("DATABASE_ROLE", "ledger_app".to_owned()),
            (
                "KAFKA_BROKERS",
                format!("127.0.0.1:{}", kafka_way.address.port()),
            ),
            ("KAFKA_PREFIX", PREFIX.to_owned()),
        ];
        all.extend(settings.iter().cloned());
        let mut cluster = Self {
            keys,
            master_key,
            kafka_way,
            kafka,
            postgres: Some(postgres),
            control_way: listen().await?,
            members,
            program: program.to_owned(),
            settings: all,
            dir,
        };
        cluster.lead_to_postgres();
        cluster.start_all().await?;
        Ok(cluster)
    }

    /// Where Kafka itself listens, behind the proxy.
    pub(crate) fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.kafka.port)
    }

    /// The ports of the processes that serve requests.
    pub(crate) fn doors(&self) -> Vec<u16> {
        let doors = self.members.iter().filter(|m| m.role == Role::Api);
        doors.map(|member| member.port).collect()
    }

    /// A connection as the owner, on no proxy.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.owner()?.connect().await
    }

    /// How to connect as the owner, on no proxy.
    pub(crate) fn owner(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let postgres = self.postgres.as_ref().ok_or(sqlx::Error::PoolClosed)?;
        let options = PgConnectOptions::from_str(&postgres.url(DATABASE))?;
        Ok(options.disable_statement_logging())
    }

    /// How to connect as the owner, by the way of the control.
    pub(crate) fn control(&self) -> Result<PgConnectOptions, sqlx::Error> {
        Ok(self.owner()?.port(self.control_way.address.port()))
    }

    /// Starts every process that is not running.
    pub(crate) async fn start_all(&mut self) -> Result<(), Error> {
        for role in Role::ALL {
            for number in 0..2 {
                self.start_member(role, number).await?;
            }
        }
        Ok(())
    }

    /// Starts a process, unless it runs, and waits until it is ready. One that ends before is started
    /// again: Postgres may be on its way.
    pub(crate) async fn start_member(&mut self, role: Role, number: usize) -> Result<(), Error> {
        let url = self.postgres.as_ref().map(|it| it.url(DATABASE));
        let index = self.index(role, number);
        let (program, settings) = (&self.program, &self.settings);
        let Some(member) = self.members.get_mut(index) else {
            return Ok(());
        };
        if member.child.is_some() {
            return Ok(());
        }
        let url = through(&url.unwrap_or_default(), member.way.address.port());
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            let child = match &mut member.child {
                Some(child) => child,
                None => member.child.insert(spawn(
                    program,
                    settings,
                    &url,
                    role,
                    member.port,
                    &member.log,
                )?),
            };
            if !matches!(child.try_wait(), Ok(None)) {
                member.child = None;
            } else if is_ready(member.port, &self.keys).await {
                return Ok(());
            }
            sleep(POLL).await;
        }
        let log = fs::read_to_string(&member.log).unwrap_or_default();
        Err(Error::Member(role.name(), tail(&log)))
    }

    /// Starts processes again that ended by themselves, as whoever looks after them would.
    pub(crate) async fn start_ended(&mut self) -> Result<(), Error> {
        for role in [Role::Api, Role::Relay, Role::Projector] {
            for number in 0..2 {
                let index = self.index(role, number);
                let ended = self.members.get_mut(index).is_some_and(|member| {
                    let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
                    member.child.take_if(ended).is_some()
                });
                if ended {
                    say(&format!(
                        "{} {number} ended by itself, and is started again",
                        role.name()
                    ));
                    self.start_member(role, number).await?;
                }
            }
        }
        Ok(())
    }

    /// Kills a process, if it runs.
    pub(crate) async fn kill_member(&mut self, role: Role, number: usize) -> Result<(), Error> {
        let index = self.index(role, number);
        match self.members.get_mut(index).and_then(|m| m.child.take()) {
            Some(mut child) => child.kill().await.map_err(system("a process did not end")),
            None => Ok(()),
        }
    }

    /// Sends `STOP` or `CONT` to a process, if it runs.
    pub(crate) async fn signal(
        &self,
        role: Role,
        number: usize,
        signal: &str,
    ) -> Result<(), Error> {
        let member = self.members.get(self.index(role, number));
        let child = member.and_then(|member| member.child.as_ref());
        if let Some(pid) = child.and_then(Child::id) {
            let script = format!("kill -s {signal} {pid} 2>/dev/null || true");
            let sent = Command::new("sh").args(["-c", &script]).status().await;
            sent.map_err(system("sh could not be run"))?;
        }
        Ok(())
    }

    /// A process's way to Postgres.
    pub(crate) fn way(&self, role: Role, number: usize) -> Option<&Proxy> {
        let member = self.members.get(self.index(role, number));
        member.map(|member| &member.way)
    }

    /// All ways to Postgres.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &Proxy> {
        self.members.iter().map(|member| &member.way)
    }

    /// Which relay leads now: Postgres knows who holds the lock, the proxy whose connection that is.
    pub(crate) async fn leader(&self) -> Option<usize> {
        let mut connection = self.connect().await.ok()?;
        let port: i32 = sqlx::query_scalar(LEADERS_PORT)
            .fetch_optional(&mut connection)
            .await
            .ok()??;
        drop(connection.close().await);
        let port = u16::try_from(port).ok()?;
        (0..2).find(|number| {
            self.way(Role::Relay, *number)
                .is_some_and(|way| way.has_port(port))
        })
    }

    /// Shuts Postgres down immediately, if it runs.
    pub(crate) async fn stop_postgres(&mut self) -> Result<(), Error> {
        match self.postgres.take() {
            Some(postgres) => Ok(postgres.stop_immediately().await?),
            None => Ok(()),
        }
    }

    /// Starts Postgres on its data, unless it runs; it has recovered when this returns.
    pub(crate) async fn start_postgres(&mut self) -> Result<(), Error> {
        if self.postgres.is_none() {
            let postgres = Postgres::start(&self.dir.path.join("postgres")).await?;
            self.postgres = Some(postgres);
            self.lead_to_postgres();
        }
        Ok(())
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        for role in Role::ALL {
            for number in 0..2 {
                self.kill_member(role, number).await?;
            }
        }
        self.kafka.kill().await?;
        if let Some(postgres) = self.postgres.take() {
            let elsewhere = postgres.data_dir().to_owned();
            postgres.stop_immediately().await?;
            // As root the cluster may live in another place than the one asked for.
            drop(fs::remove_dir_all(elsewhere));
        }
        Ok(())
    }

    /// What the processes logged.
    pub(crate) fn logs(&self) -> String {
        let logs = self.members.iter().map(|member| {
            let log = fs::read_to_string(&member.log).unwrap_or_default();
            format!("--- {}\n{}", member.log.display(), tail(&log))
        });
        logs.collect::<Vec<_>>().join("\n")
    }

    fn lead_to_postgres(&self) {
        let port = self.owner().map(|options| options.get_port());
        for way in self.ways().chain([&self.control_way]) {
            way.lead_to(port.as_ref().copied().unwrap_or_default());
        }
    }

    fn index(&self, role: Role, number: usize) -> usize {
        let first = self.members.iter().position(|member| member.role == role);
        first.unwrap_or_default() + number
    }
}

/// Makes the ledger's database, and grants access to the load.
async fn prepare(
    postgres: &Postgres,
    master_key: &[u8; 32],
    jwt_secret: &str,
    sql: &str,
) -> Result<Keys, Error> {
    let mut admin = PgConnection::connect(&postgres.url("postgres")).await?;
    sqlx::query(&format!("create database {DATABASE}"))
        .execute(&mut admin)
        .await?;
    admin.close().await?;
    let url = postgres.url(DATABASE);
    migrate::migrate(&url).await?;
    let options = PgConnectOptions::from_str(&url)?;
    let owner = PgPoolOptions::new().max_connections(1);
    let owner = owner.connect_with(options).await?;
    let keyring = Keyring::new(master_key);
    let (medusa, ledger) = (new_secret(), new_secret());
    let person = Person {
        email: "torture@example.com",
        first_name: "Ada",
        last_name: "Min",
        role: "member",
        password: &new_secret(),
        api_token: &medusa,
    };
    add_person(&owner, &keyring, &"main".into(), &person).await?;
    let app = App {
        key: "torture",
        secret: Some(&new_secret()),
        scopes: &["read_customers".to_owned(), "write_customers".to_owned()],
        plan: Plan::Unlimited,
    };
    add_app(&owner, &keyring, &"main".into(), &app).await?;
    let scopes = ["ledger:read".to_owned()];
    add_ledger_token(
        &owner,
        &keyring,
        &"main".into(),
        "torture",
        &ledger,
        &scopes,
    )
    .await?;
    sqlx::raw_sql(sql).execute(&owner).await?;
    owner.close().await;
    let shopline = app_token(jwt_secret, app.key, HANDLE, STORE_ID, now(), APP_TOKEN_LIFE);
    Ok(Keys {
        medusa,
        shopline,
        ledger,
    })
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn spawn(
    program: &Path,
    settings: &[(&'static str, String)],
    url: &str,
    role: Role,
    port: u16,
    log: &Path,
) -> Result<Child, Error> {
    let output = OpenOptions::new().create(true).append(true).open(log);
    let output = output.map_err(system("the ledger's log"))?;
    // It ends with this process, also when that is killed.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .args(["serve", "--roles", role.name()])
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .env("LEDGER_LISTEN", format!("127.0.0.1:{port}"))
        .env("DATABASE_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(system(SETPRIV))
}

async fn is_ready(port: u16, keys: &Keys) -> bool {
    let call = Call::get("/ready".to_owned());
    let id = "00000000000000000000000000000001";
    matches!(call.send(port, keys, id, None).await,
        Reply::Answer(answer) if (200..300).contains(&answer.status))
}

/// The same URL through a proxy on this machine.
fn through(url: &str, port: u16) -> String {
    let start = url.rsplit_once(':').map_or("", |(start, _)| start);
    format!("{start}:{port}/{DATABASE}")
}

async fn listen() -> Result<Proxy, Error> {
    Proxy::listen().await.map_err(system("no port is free"))
}

fn free_port() -> Result<u16, Error> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
    Ok(free.map_err(system("no port is free"))?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_through_a_proxy() {
        let url = through("postgres://owner:word@127.0.0.1:5555/torture", 7777);
        assert_eq!(url, "postgres://owner:word@127.0.0.1:7777/torture");
    }
}

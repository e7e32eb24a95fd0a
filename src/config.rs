//! Every setting in one place: its name, what it is for, its default, and whether it is a secret.
//!
//! Settings come from the environment, or from a file of `NAME=value` lines named by
//! `LEDGER_CONFIG`; the environment wins. A secret is never printed.

mod trusted_proxies;

use std::collections::HashMap;
use std::env::VarError;
use std::fmt;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use projections::shopline;

pub use self::trusted_proxies::{NotNetworks, TrustedProxies};
use crate::kafka::KafkaConfig;

/// One setting.
struct Setting {
    name: &'static str,
    default: Option<&'static str>,
    help: &'static str,
}

/// All settings, in the order of `--help`.
const SETTINGS: &[Setting] = &[
    setting(
        "LEDGER_CONFIG",
        None,
        "a file of NAME=value lines; the environment wins",
    ),
    setting(
        "LEDGER_LISTEN",
        Some("127.0.0.1:9000"),
        "address and port to listen on",
    ),
    setting(
        "HTTP_CONNECTIONS_MAX",
        Some("10000"),
        "connections at a time; more, and who waits longest for its client goes",
    ),
    setting(
        "HTTP_IDLE_SECONDS",
        Some("75"),
        "how long a connection may take to send a request's head",
    ),
    setting("LEDGER_DATA", None, "where `ledger dev` keeps its data"),
    setting(
        "TRUSTED_PROXIES",
        None,
        "networks whose x-forwarded-for and -proto are believed, e.g. 10.0.0.0/8",
    ),
    setting(
        "LEDGER_LOG",
        Some("info"),
        "what to log, e.g. info or customer_ledger=debug",
    ),
    setting(
        "LEDGER_STORE",
        Some("main"),
        "name of the store in the ledger",
    ),
    setting(
        "LEDGER_MASTER_KEY",
        None,
        "64 hexadecimal digits that wrap every customer's key",
    ),
    setting(
        "LEDGER_TOKEN",
        None,
        "token of the ledger's own API, for `ledger dev`",
    ),
    setting("DATABASE_URL", None, "Postgres 15 or newer"),
    setting(
        "DATABASE_OWNER_URL",
        None,
        "Postgres as the owner, for `ledger migrate`",
    ),
    setting(
        "DATABASE_ROLE",
        None,
        "role to take after connecting, e.g. ledger_app",
    ),
    setting(
        "KAFKA_BROKERS",
        None,
        "host:port of Kafka brokers, separated by commas",
    ),
    setting(
        "KAFKA_PREFIX",
        Some("ledger"),
        "what topics and consumer groups begin with",
    ),
    setting(
        "STORE_TIME_ZONE",
        Some("Asia/Shanghai"),
        "IANA time zone of SHOPLINE's times",
    ),
    setting("STORE_CURRENCY", Some("USD"), "the store's currency"),
    setting(
        "MEDUSA_ADMIN_CORS",
        Some("http://localhost:7000"),
        "origins, separated by commas",
    ),
    setting(
        "MEDUSA_API_TOKEN",
        None,
        "api token for `ledger user` and of the demo admin",
    ),
    setting(
        "MEDUSA_ADMIN_EMAIL",
        Some("admin@medusa-test.com"),
        "for `ledger dev`",
    ),
    setting(
        "MEDUSA_ADMIN_PASSWORD",
        None,
        "for `ledger user add` and `ledger dev`",
    ),
    setting(
        "MEDUSA_JWT_SECRET",
        None,
        "signs Medusa's bearer tokens; else a key made of LEDGER_MASTER_KEY does",
    ),
    setting(
        "SHOPLINE_HANDLE",
        Some("demo"),
        "the store's handle in SHOPLINE",
    ),
    setting(
        "SHOPLINE_STORE_ID",
        Some("1672369729606"),
        "the store's id in SHOPLINE",
    ),
    setting(
        "SHOPLINE_JWT_SECRET",
        None,
        "signs the bearer tokens of SHOPLINE's apps",
    ),
    setting(
        "SHOPLINE_APP_SECRET",
        None,
        "secret of an app, for `ledger app` and `ledger dev`",
    ),
    setting(
        "SHOPLINE_TOKEN",
        None,
        "token of the demo app, for `ledger dev`",
    ),
    setting(
        "SHOPLINE_READ_TOKEN",
        None,
        "token of the read-only demo app, for `ledger dev`",
    ),
];

const fn setting(name: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting {
        name,
        default,
        help,
    }
}

/// The settings as given, before they are read as what they are.
pub struct Settings(HashMap<String, String>);

/// A setting that is missing or wrong. The message names it, never its value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// It has to be given.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It is not what it should be.
    #[error("{name} is not {expected}")]
    Wrong {
        /// The setting.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The file cannot be read.
    #[error("the file that LEDGER_CONFIG names cannot be read")]
    File,
    /// A line of the file is not `NAME=value` with a known name.
    #[error("line {0} of the file that LEDGER_CONFIG names is not NAME=value with a known name")]
    Line(usize),
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// What the API, the relay and the projectors need.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What connections may cost.
    pub http: HttpConfig,
    /// Proxies whose headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// The store.
    pub store: StoreConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The master key.
    pub master_key: MasterKey,
    /// What topics begin with; lists ask how far their projection is, also without a Kafka.
    pub kafka_prefix: String,
    /// Kafka; without it nothing is relayed or projected.
    pub kafka: Option<KafkaConfig>,
    /// Medusa's contract.
    pub medusa: MedusaConfig,
    /// SHOPLINE's contract.
    pub shopline: ShoplineConfig,
}

/// What connections of clients may cost.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// How many there may be at a time.
    pub connections_max: usize,
    /// How long one may take to send a request's head, idle time before it included.
    pub idle: Duration,
}

/// The one store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Its name in the ledger.
    pub name: String,
    /// What SHOPLINE's answers say of it.
    pub shown: shopline::Store,
}

/// How to reach Postgres.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// URL of the service's connections.
    pub url: Secret,
    /// Role to take after connecting.
    pub role: Option<String>,
}

/// Medusa's contract.
#[derive(Clone, Debug)]
pub struct MedusaConfig {
    /// Origins that browsers may call from.
    pub admin_cors: Vec<String>,
    /// Signs bearer tokens, if it is set.
    pub jwt_secret: Option<Secret>,
}

/// SHOPLINE's contract.
#[derive(Clone, Debug)]
pub struct ShoplineConfig {
    /// The store's handle.
    pub handle: String,
    /// The store's id.
    pub store_id: String,
    /// Signs tokens.
    pub jwt_secret: Secret,
}

/// The key that wraps every stream's key.
#[derive(Clone)]
pub struct MasterKey(pub [u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl Settings {
    /// The settings of this process: the environment over the file that `LEDGER_CONFIG` names.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut environment = HashMap::new();
        for Setting { name, .. } in SETTINGS {
            match std::env::var(name) {
                Ok(value) => drop(environment.insert((*name).to_owned(), value)),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => {
                    let expected = "UTF-8 text";
                    return Err(ConfigError::Wrong { name, expected });
                }
            }
        }
        let file = match environment.get("LEDGER_CONFIG") {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|_unreadable| ConfigError::File)?,
        };
        Self::new(&file, environment)
    }

    /// Settings from a file's text and, over it, others.
    pub fn new(file: &str, over: HashMap<String, String>) -> Result<Self, ConfigError> {
        let mut settings = HashMap::new();
        for (number, line) in (1..).zip(file.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(ConfigError::Line(number))?;
            if !SETTINGS.iter().any(|setting| setting.name == name) {
                return Err(ConfigError::Line(number));
            }
            settings.insert(name.to_owned(), value.to_owned());
        }
        settings.extend(over);
        Ok(Self(settings))
    }

    /// A setting, or its default; empty counts as not given.
    pub fn get(&self, name: &'static str) -> Option<String> {
        let default = SETTINGS
            .iter()
            .find(|s| s.name == name)
            .and_then(|s| s.default);
        self.0
            .get(name)
            .cloned()
            .or_else(|| default.map(ToOwned::to_owned))
            .filter(|v| !v.is_empty())
    }

    /// A setting that has to be there.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.get(name).ok_or(ConfigError::Missing(name))
    }

    /// Gives a setting that was not given.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The data directory of `ledger dev`: as given, else a folder under the user's data directory;
    /// root's is `/var/lib/customer-ledger`.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn data(&self) -> Result<PathBuf, ConfigError> {
        let variable = |name| {
            std::env::var(name)
                .ok()
                .filter(|value: &String| !value.is_empty())
        };
        if let Some(data) = self.get("LEDGER_DATA") {
            return std::path::absolute(data).map_err(|_empty| ConfigError::Missing("LEDGER_DATA"));
        }
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if is_root {
            return Ok(PathBuf::from("/var/lib/customer-ledger"));
        }
        variable("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/share")))
            .map(|data| data.join("customer-ledger"))
            .ok_or(ConfigError::Missing("LEDGER_DATA"))
    }

    /// The master key.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        let name = "LEDGER_MASTER_KEY";
        let mut key = [0; 32];
        hex::decode_to_slice(self.required(name)?.trim(), &mut key).map_err(|_not_hex| {
            ConfigError::Wrong {
                name,
                expected: "64 hexadecimal digits",
            }
        })?;
        Ok(MasterKey(key))
    }

    /// Where the owner of the database connects, and the setting that says so.
    pub fn owner_url(&self) -> Result<(&'static str, String), ConfigError> {
        let owner = self.get("DATABASE_OWNER_URL");
        match owner {
            Some(url) => Ok(("DATABASE_OWNER_URL", url)),
            None => Ok(("DATABASE_URL", self.required("DATABASE_URL")?)),
        }
    }

    /// What SHOPLINE's answers say of the store.
    pub fn shown(&self) -> Result<shopline::Store, ConfigError> {
        let name = "STORE_TIME_ZONE";
        let expected = "an IANA time zone";
        Ok(shopline::Store {
            time_zone: TimeZone::get(&self.required(name)?)
                .map_err(|_unknown| ConfigError::Wrong { name, expected })?,
            currency: self.currency()?,
        })
    }

    /// The currency, by its code. Source: ISO 4217.
    fn currency(&self) -> Result<String, ConfigError> {
        let name = "STORE_CURRENCY";
        let code = self.required(name)?;
        let expected = "three capital letters";
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(code)
        } else {
            Err(ConfigError::Wrong { name, expected })
        }
    }

    /// A whole number that is not 0.
    fn count<N: TryFrom<u32>>(&self, name: &'static str) -> Result<N, ConfigError> {
        let count = self.required(name)?.parse().ok().filter(|&count| count > 0);
        let count = count.and_then(|count: u32| N::try_from(count).ok());
        let expected = "a whole number from 1 to 4294967295";
        count.ok_or(ConfigError::Wrong { name, expected })
    }

    /// The brokers, if any. Whether they answer is another matter: what could never be an address is
    /// found here.
    fn brokers(&self) -> Result<Option<String>, ConfigError> {
        let name = "KAFKA_BROKERS";
        let Some(list) = self.get(name) else {
            return Ok(None);
        };
        let is_broker = |broker: &str| {
            let broker = broker.split_once("://").map_or(broker, |(_, rest)| rest);
            let (host, port) = match broker.rsplit_once(':') {
                Some((host, port)) if !broker.ends_with(']') => (host, port),
                _ => (broker, "9092"),
            };
            !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
        };
        if list.split(',').all(|broker| is_broker(broker.trim())) {
            return Ok(Some(list));
        }
        let expected = "a list of host:port, separated by commas";
        Err(ConfigError::Wrong { name, expected })
    }

    /// Kafka, if any.
    pub fn kafka(&self) -> Result<Option<KafkaConfig>, ConfigError> {
        let prefix = self.required("KAFKA_PREFIX")?;
        Ok(self.brokers()?.map(|brokers| KafkaConfig {
            brokers,
            prefix,
            embedded: false,
        }))
    }

    /// Whether a setting was given, and is not only its default.
    pub fn is_given(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_empty())
    }

    /// What `ledger serve` needs.
    pub fn config(&self) -> Result<Config, ConfigError> {
        self.config_with(DatabaseConfig {
            url: Secret(self.required("DATABASE_URL")?),
            role: self.get("DATABASE_ROLE"),
        })
    }

    /// What `ledger serve` needs, with a database that is known otherwise.
    pub fn config_with(&self, database: DatabaseConfig) -> Result<Config, ConfigError> {
        let wrong = |name, expected| move || ConfigError::Wrong { name, expected };
        let list = |name| {
            let text = self.get(name).unwrap_or_default();
            text.split(',')
                .map(|part| part.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let prefix = self.required("KAFKA_PREFIX")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if prefix.len() > 200 || !prefix.chars().all(legal) {
            return Err(wrong(
                "KAFKA_PREFIX",
                "at most 200 letters, digits, dots, _ and -",
            )());
        }
        Ok(Config {
            listen: self
                .required("LEDGER_LISTEN")?
                .parse()
                .map_err(|_unparsable| wrong("LEDGER_LISTEN", "an address and a port")())?,
            http: HttpConfig {
                connections_max: self.count("HTTP_CONNECTIONS_MAX")?,
                idle: Duration::from_secs(self.count("HTTP_IDLE_SECONDS")?),
            },
            trusted_proxies: self
                .get("TRUSTED_PROXIES")
                .unwrap_or_default()
                .parse()
                .map_err(|_unreadable| {
                    wrong("TRUSTED_PROXIES", "a list of networks, separated by commas")()
                })?,
            store: StoreConfig {
                name: self.required("LEDGER_STORE")?,
                shown: self.shown()?,
            },
            database,
            master_key: self.master_key()?,
            kafka_prefix: prefix,
            kafka: self.kafka()?,
            medusa: MedusaConfig {
                admin_cors: list("MEDUSA_ADMIN_CORS"),
                jwt_secret: self.get("MEDUSA_JWT_SECRET").map(Secret),
            },
            shopline: ShoplineConfig {
                handle: self.required("SHOPLINE_HANDLE")?,
                store_id: self.required("SHOPLINE_STORE_ID")?,
                jwt_secret: Secret(self.required("SHOPLINE_JWT_SECRET")?),
            },
        })
    }
}

/// The part of `--help` that lists the settings.
pub fn help() -> String {
    let mut help = String::from("Settings, from the environment or a file:\n");
    for Setting {
        name,
        default,
        help: what,
    } in SETTINGS
    {
        let default = default
            .map(|value| format!(" [{value}]"))
            .unwrap_or_default();
        writeln!(help, "  {name:<22} {what}{default}").expect("writing to a text never fails");
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let over = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Settings::new("", over).unwrap()
    }

    fn complete() -> Settings {
        settings(&[
            ("DATABASE_URL", "postgres://x"),
            ("LEDGER_MASTER_KEY", &"ab".repeat(32)),
            ("SHOPLINE_JWT_SECRET", "s"),
        ])
    }

    #[test]
    fn every_wrong_setting_is_named() {
        assert!(complete().config().is_ok());
        for (name, value) in [
            ("LEDGER_LISTEN", "here"),
            ("LEDGER_MASTER_KEY", "abc"),
            ("STORE_TIME_ZONE", "Mars/Olympus"),
            ("KAFKA_PREFIX", "a prefix"),
            ("KAFKA_BROKERS", "localhost:kafka"),
            ("STORE_CURRENCY", "dollars"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("HTTP_CONNECTIONS_MAX", "0"),
            ("HTTP_IDLE_SECONDS", "-5"),
        ] {
            let mut settings = complete();
            settings.set(name, value);
            let error = settings.config().unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains(value), "{error}");
        }
        let mut settings = complete();
        settings.set("DATABASE_URL", "");
        assert_eq!(
            settings.config().unwrap_err(),
            ConfigError::Missing("DATABASE_URL")
        );
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let over = HashMap::from([("LEDGER_STORE".to_owned(), "two".to_owned())]);
        let settings = Settings::new("# c\nLEDGER_STORE=one\nKAFKA_PREFIX=t\n", over).unwrap();
        assert_eq!(settings.get("LEDGER_STORE").as_deref(), Some("two"));
        assert_eq!(settings.get("KAFKA_PREFIX").as_deref(), Some("t"));
        let unknown = Settings::new("LEDGER_STOR=one", HashMap::new());
        assert_eq!(unknown.err(), Some(ConfigError::Line(1)));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let printed = format!("{:?}", complete().config().unwrap());
        assert!(
            !printed.contains("postgres://x") && !printed.contains("abab"),
            "{printed}"
        );
    }
}

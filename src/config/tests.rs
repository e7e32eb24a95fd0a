use std::collections::HashMap;

use super::kafka::{GivenPrefix, Section};
use super::*;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let over = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Settings::new("", over).unwrap()
}

/// Settings that are enough to serve, and one more.
fn complete_but(name: &str, value: &str) -> Settings {
    settings(&[
        ("DATABASE_URL", "postgres://x"),
        ("LEDGER_MASTER_KEY", &"ab".repeat(32)),
        ("SHOPLINE_JWT_SECRET", "s"),
        (name, value),
    ])
}

fn complete() -> Settings {
    complete_but("LEDGER_STORE", "main")
}

#[test]
fn every_wrong_setting_is_named() {
    assert!(Config::read(&complete()).is_ok());
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
        let error = Config::read(&complete_but(name, value)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(name) && !error.contains(value), "{error}");
    }
    assert_eq!(
        Config::read(&complete_but("DATABASE_URL", "")).unwrap_err(),
        ConfigError::Missing("DATABASE_URL".to_owned())
    );
}

#[test]
fn empty_counts_as_not_given_and_takes_no_default() {
    for name in [
        "KAFKA_BROKERS",
        "DATABASE_ROLE",
        "TRUSTED_PROXIES",
        "MEDUSA_JWT_SECRET",
    ] {
        assert!(Config::read(&complete_but(name, "")).is_ok(), "{name}");
    }
    for name in [
        "LEDGER_LISTEN",
        "HTTP_CONNECTIONS_MAX",
        "HTTP_IDLE_SECONDS",
        "LEDGER_STORE",
        "LEDGER_MASTER_KEY",
        "KAFKA_PREFIX",
        "STORE_TIME_ZONE",
        "STORE_CURRENCY",
        "SHOPLINE_HANDLE",
        "SHOPLINE_STORE_ID",
        "SHOPLINE_JWT_SECRET",
    ] {
        let error = Config::read(&complete_but(name, "")).unwrap_err();
        assert_eq!(error, ConfigError::Missing(name.to_owned()));
    }
    let config = Config::read(&complete_but("MEDUSA_ADMIN_CORS", "")).unwrap();
    assert_eq!(config.medusa.admin_cors.0, [String::new()]);
    let error = settings(&[("LEDGER_LOG", "")]).read::<LogConfig>();
    let missing = ConfigError::Missing("LEDGER_LOG".to_owned());
    assert_eq!(error.unwrap_err(), missing);
}

#[test]
fn a_section_looks_at_its_own_settings_only() {
    let wrong = settings(&[("LEDGER_LISTEN", "here"), ("KAFKA_BROKERS", ":")]);
    let shopline: ShoplineStore = wrong.read().unwrap();
    assert_eq!(shopline.handle, "demo");
    assert!(wrong.read::<OwnerConfig>().unwrap().url().is_err());
    assert!(wrong.read::<Section>().is_err());
}

#[test]
fn a_default_is_not_given() {
    let given: GivenPrefix = settings(&[]).read().unwrap();
    assert_eq!(given.prefix, None);
    let section: Section = settings(&[]).read().unwrap();
    assert_eq!(section.prefix, "ledger");
    assert!(section.client().is_none());
}

#[test]
fn the_environment_wins_over_the_file() {
    let over = HashMap::from([("LEDGER_STORE".to_owned(), "two".to_owned())]);
    let settings = Settings::new("# c\nLEDGER_STORE=one\nKAFKA_PREFIX=t\n", over).unwrap();
    let LedgerConfig { store } = settings.read().unwrap();
    assert_eq!(store, "two");
    let Section { prefix, .. } = settings.read().unwrap();
    assert_eq!(prefix, "t");
    let unknown = Settings::new("LEDGER_STOR=one", HashMap::new());
    assert_eq!(unknown.err(), Some(ConfigError::Line(1)));
}

#[test]
fn a_secret_is_never_printed() {
    let printed = format!("{:?}", Config::read(&complete()).unwrap());
    assert!(
        !printed.contains("postgres://x") && !printed.contains("abab"),
        "{printed}"
    );
    let secret = "a secret of the tests";
    let secrets: DevConfig = settings(&[
        ("LEDGER_MASTER_KEY", secret),
        ("LEDGER_TOKEN", secret),
        ("MEDUSA_API_TOKEN", secret),
        ("MEDUSA_ADMIN_PASSWORD", secret),
        ("MEDUSA_JWT_SECRET", secret),
        ("SHOPLINE_APP_SECRET", secret),
        ("SHOPLINE_TOKEN", secret),
    ])
    .read()
    .unwrap();
    let printed = format!("{secrets:?}");
    assert!(!printed.contains(secret), "{printed}");
}

#[test]
fn help_lists_every_setting_once_with_its_default() {
    let help = help();
    assert_eq!(help.lines().count(), 29, "{help}");
    let line = |name| help.lines().find(|line| line.trim().starts_with(name));
    let port = line("HTTP_IDLE_SECONDS").unwrap();
    assert!(port.ends_with("head [75]"), "{port}");
    let url = line("DATABASE_URL").unwrap();
    assert!(url.ends_with("Postgres 15 or newer"), "{url}");
}

//! `docker-compose.yml` is a valid Compose file and starts what the ledger needs.
//!
//! No engine runs where the tests do, so the official schema is what can be asked:
//! `tests/data/compose-spec.json`, whose origin and licence stand beside it.

use serde_json::{Value, json};

const COMPOSE_FILE: &str = include_str!("../docker-compose.yml");
const SCHEMA: &str = include_str!("data/compose-spec.json");

#[test]
fn the_compose_file_is_valid() {
    assert_eq!(errors(&compose_file()), [""; 0]);
}

#[test]
fn a_misspelt_key_is_refused() {
    let mut file = compose_file();
    file["services"]["ledger"]["enviroment"] = json!({});
    let errors = errors(&file);
    assert!(
        errors.iter().any(|error| error.contains("enviroment")),
        "{errors:?}"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    let mut file = compose_file();
    file["services"]["ledger"]["ports"] = json!("9000:9000");
    assert_ne!(errors(&file), [""; 0]);
}

#[test]
fn every_name_that_a_service_uses_is_defined() {
    let file = compose_file();
    let services = file["services"].as_object().unwrap();
    let mut dependencies = 0;
    for (name, service) in services {
        for dependency in service["depends_on"].as_object().into_iter().flatten() {
            let (other, how) = dependency;
            let target = &services[other];
            let condition = how["condition"].as_str().unwrap();
            let health = target["healthcheck"].is_object();
            assert!(
                condition != "service_healthy" || health,
                "{name}: {other} has no health"
            );
            dependencies += 1;
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let volume = volume.as_str().unwrap().split(':').next().unwrap();
            assert!(
                file["volumes"].get(volume).is_some(),
                "{name}: no volume {volume}"
            );
        }
        for config in service["configs"].as_array().into_iter().flatten() {
            let config = config["source"].as_str().unwrap();
            assert!(
                file["configs"].get(config).is_some(),
                "{name}: no config {config}"
            );
        }
    }
    assert_eq!(dependencies, 3);
}

#[test]
fn a_secret_is_never_written_down() {
    for (service, name) in [
        ("ledger", "LEDGER_MASTER_KEY"),
        ("ledger", "MEDUSA_JWT_SECRET"),
        ("ledger", "SHOPLINE_JWT_SECRET"),
        ("postgres", "POSTGRES_PASSWORD"),
    ] {
        let file = compose_file();
        let value = file["services"][service]["environment"][name]
            .as_str()
            .unwrap();
        assert!(
            value.starts_with(&format!("${{{name}:?")),
            "{service}: {name} is {value}"
        );
    }
}

/// The file as Compose sees it: with its merge keys applied.
fn compose_file() -> Value {
    let mut file: serde_norway::Value =
        serde_norway::from_str(COMPOSE_FILE).expect("the file is YAML");
    file.apply_merge().expect("its merge keys name mappings");
    serde_json::to_value(file).expect("its keys are strings")
}

fn errors(file: &Value) -> Vec<String> {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    validator
        .iter_errors(file)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

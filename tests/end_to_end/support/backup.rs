//! A backup and its restore, by Postgres' own programs, as `docs/operations.md` says.

use std::path::PathBuf;

use tokio::process::Command;

use super::postgres::{Database, directory};

/// A dump of a database.
pub(crate) struct Backup(PathBuf);

impl Backup {
    /// Dumps a database while it is in use.
    pub(crate) async fn take(database: &Database) -> Self {
        let file = directory().join("ledger.dump");
        let path = file.to_str().unwrap();
        let url = &database.owner_url;
        run(&["pg_dump", "--format=custom", "--file", path, url]).await;
        Self(file)
    }

    /// Puts it in place of the database, and everything that was written since is gone. Whoever is
    /// connected loses the connection.
    pub(crate) async fn restore(&self, database: &mut Database) {
        let url = database.owner_url.clone();
        let (server, name) = url.rsplit_once('/').unwrap();
        let maintenance = format!("--maintenance-db={server}/postgres");
        run(&["dropdb", "--force", &maintenance, name]).await;
        run(&["createdb", &maintenance, name]).await;
        let (target, path) = (format!("--dbname={url}"), self.0.to_str().unwrap());
        run(&["pg_restore", "--exit-on-error", &target, path]).await;
        *database = Database::at(&url);
    }
}

async fn run(command: &[&str]) {
    let (program, arguments) = command.split_first().unwrap();
    let output = Command::new(program).args(arguments).output().await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}

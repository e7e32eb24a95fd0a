//! The functions and triggers of `sql/`, as they are when the ledger is built: their installation, and
//! whether a database has them.
//!
//! The table `sql_files` holds the digest of each file that was installed. Only what changed is installed
//! again, and what has no file any longer is dropped.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};

/// Path below `sql/` and text of each file. A file is named as the function that it defines.
pub const SQL_FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/sql_files.rs"));

/// Digests by path.
type Digests = BTreeMap<String, Vec<u8>>;

/// A row of `sql_files`.
#[derive(sqlx::FromRow)]
struct Installed {
    path: String,
    sha256: Vec<u8>,
}

/// Whether a database has these functions and triggers, and no others of another release.
pub(super) async fn are_installed(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    Ok(installed(connection).await? == embedded())
}

/// Brings a database to these functions and triggers, in one transaction. Two processes at once take
/// turns.
pub(super) async fn install(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Functions call others that come later in the order of names.
    run(
        &mut transaction,
        "lock table sql_files in share row exclusive mode; set local check_function_bodies = off",
    )
    .await?;
    let (installed, embedded) = (installed(&mut transaction).await?, embedded());
    for path in installed
        .keys()
        .filter(|path| !embedded.contains_key(*path))
    {
        remove(&mut transaction, path).await?;
    }
    for (path, text) in SQL_FILES {
        if installed.get(*path) != embedded.get(*path) {
            run(&mut transaction, text).await?;
        }
    }
    let (paths, digests): (Vec<String>, Vec<Vec<u8>>) = embedded.into_iter().unzip();
    sqlx::query(
        "insert into sql_files (path, sha256) select path, sha256 \
         from unnest($1::text[], $2::bytea[]) as given (path, sha256) \
         on conflict (path) do update set sha256 = excluded.sha256 \
         where sql_files.sha256 <> excluded.sha256",
    )
    .bind(paths)
    .bind(digests)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Drops the function of a file that is no more; its triggers go with it.
async fn remove(connection: &mut PgConnection, path: &str) -> Result<(), sqlx::Error> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".sql").unwrap_or(name);
    run(
        connection,
        &format!("drop function if exists \"{name}\" cascade"),
    )
    .await?;
    sqlx::query("delete from sql_files where path = $1")
        .bind(path)
        .execute(connection)
        .await?;
    Ok(())
}

async fn run(connection: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(connection).await?;
    Ok(())
}

async fn installed(connection: &mut PgConnection) -> Result<Digests, sqlx::Error> {
    let rows: Vec<Installed> = sqlx::query_as("select path, sha256 from sql_files")
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.path, row.sha256)).collect())
}

fn embedded() -> Digests {
    let digest = |text: &str| Sha256::digest(text).to_vec();
    SQL_FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), digest(text)))
        .collect()
}

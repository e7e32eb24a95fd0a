//! What `ledger migrate` installs, and what happens on a database of another build.

use std::collections::{BTreeMap, BTreeSet};

use customer_ledger::database::migrate::migrate;
use customer_ledger::database::sql_files::SQL_FILES;
use sqlx::PgConnection;
use tokio::process::Command;

use crate::support::shop::Shop;

/// Name and body of each function that no extension brought.
async fn functions(owner: &mut PgConnection) -> BTreeMap<String, String> {
    let functions: Vec<(String, String)> = sqlx::query_as(
        "select proname::text, prosrc from pg_proc \
         where pronamespace = 'public'::regnamespace and not exists (
             select from pg_depend where objid = pg_proc.oid and deptype = 'e')",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    let names: BTreeSet<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), functions.len(), "no name is used twice");
    functions.into_iter().collect()
}

/// Table and name of each trigger.
async fn triggers(owner: &mut PgConnection) -> BTreeSet<(String, String)> {
    let triggers: Vec<(String, String)> = sqlx::query_as(
        "select tgrelid::regclass::text, tgname::text from pg_trigger where not tgisinternal",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    triggers.into_iter().collect()
}

/// Every definition and who may call it, as Postgres tells it.
async fn definitions(owner: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select concat(pg_get_functiondef(oid), proacl::text) from pg_proc \
         where pronamespace = 'public'::regnamespace and not exists (
             select from pg_depend where objid = pg_proc.oid and deptype = 'e') \
         union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal \
         order by 1",
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

/// What is between the first pair of `$$`.
fn body(text: &str) -> &str {
    text.split("$$").nth(1).unwrap()
}

/// Table and name of the triggers that a file makes.
fn triggers_of(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split("create or replace trigger ")
        .skip(1)
        .map(|made| {
            let words: Vec<&str> = made.split_whitespace().collect();
            let on = words.iter().position(|word| *word == "on").unwrap();
            (words[on + 1].to_owned(), words[0].to_owned())
        })
}

#[tokio::test]
async fn what_is_installed_is_what_the_files_say_and_nothing_else() {
    let shop = Shop::open().await;
    let mut owner = shop.database.owner().await;
    let files = SQL_FILES.iter().map(|(path, text)| {
        let (_, file) = path.split_once('/').unwrap();
        let name = file.strip_suffix(".sql").unwrap();
        let heads = text.matches("create or replace function ").count();
        assert_eq!(heads, 1, "{path} defines one function");
        assert!(
            text.contains(&format!("create or replace function {name}(")),
            "{path} is named as its function"
        );
        assert!(text.starts_with("-- "), "{path} opens with its reason");
        (name.to_owned(), body(text).to_owned())
    });
    assert_eq!(functions(&mut owner).await, files.collect());
    let made = SQL_FILES.iter().flat_map(|(_, text)| triggers_of(text));
    assert_eq!(triggers(&mut owner).await, made.collect());
    // Beside bodies: arguments, settings, rights, and the conditions of triggers.
    let before = definitions(&mut owner).await;
    sqlx::raw_sql("set check_function_bodies = off")
        .execute(&mut owner)
        .await
        .unwrap();
    for (_, text) in SQL_FILES {
        sqlx::raw_sql(text).execute(&mut owner).await.unwrap();
    }
    assert_eq!(definitions(&mut owner).await, before);
}

#[tokio::test]
async fn nobody_but_append_calls_its_parts() {
    let shop = Shop::open().await;
    let callable: Vec<String> = sqlx::query_scalar(
        "select proname::text from pg_proc \
         where pronamespace = 'public'::regnamespace and proname like 'append%' \
             and has_function_privilege(oid, 'execute')",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    assert_eq!(callable, ["append"]);
}

/// One sentence on standard error, with these words.
#[track_caller]
fn says((code, said): (i32, String), words: &[&str]) {
    assert_eq!(code, 1, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

async fn outcome(mut command: Command) -> (i32, String) {
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_other_functions_is_migrated_before_it_is_served_from() {
    let shop = Shop::open().await;
    let mut owner = shop.database.owner().await;
    let before = definitions(&mut owner).await;
    // As an earlier release left them: one function was another, one is no more.
    sqlx::raw_sql(
        "create or replace function medusa_search_is_too_long() returns boolean \
         language sql as 'select true'; \
         update sql_files set sha256 = 'another' \
             where path = 'functions/medusa_search_is_too_long.sql'; \
         create function retired() returns trigger language plpgsql \
             as 'begin return null; end'; \
         create trigger retired after insert on claims for each row execute function retired(); \
         insert into sql_files values ('triggers/retired.sql', 'its text');",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    says(
        shop.fails("api", &[]).await,
        &["run `ledger migrate` first"],
    );
    migrate(&shop.database.owner_url).await.unwrap();
    assert_eq!(definitions(&mut owner).await, before);
    drop(shop.serve("api").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_of_another_build_are_left_alone() {
    let shop = Shop::open().await;
    shop.serve("api").await.guest("kept@example.com").await;
    let head = shop.head().await;
    let words = ["DATABASE_URL", "another build", "a new, empty database"];
    let mut owner = shop.database.owner().await;
    // A migration that was edited since, and one that this build does not have.
    for sql in [
        "update _sqlx_migrations set checksum = 'another' where version = 2",
        "update _sqlx_migrations set version = 9999 where version = 2",
    ] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
        says(shop.fails("api", &[]).await, &words);
        says(outcome(shop.command(&["migrate"], &[])).await, &words);
    }
    assert_eq!(shop.head().await, head);
}

//! `ledger app`, and what becomes of an app's tokens.

use devkit::http::Answer;
use devkit::wait;
use hyper::Method;
use serde_json::json;

use super::{anonymous, assert_refused};
use crate::support::shop::{Server, Shop, keyring};

/// Runs a `ledger` command that does what it is told: what it prints.
async fn does(shop: &Shop, arguments: &[&str], line: &str) -> String {
    let (code, printed, said) = shop.run(arguments, line).await;
    assert_eq!((code, said.as_str()), (0, ""), "{arguments:?}");
    printed.trim_end().to_owned()
}

/// Runs one that refuses: what it says.
async fn refuses(shop: &Shop, arguments: &[&str]) -> String {
    let (code, printed, said) = shop.run(arguments, "").await;
    assert_eq!((code, printed.as_str()), (1, ""), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

async fn get(server: &Server, token: &str) -> Answer {
    let path = "v20220901/customers/v2/4299999999.json";
    let call = anonymous(server, Method::GET, path);
    call.header("authorization", &format!("Bearer {token}"))
        .send()
        .await
}

/// Waits until a token is refused with these words; what was found of its app is remembered for two
/// seconds.
async fn is_refused(server: &Server, token: &str, errors: &str) {
    let answer = wait::until("the token opens nothing", async || {
        let answer = get(server, token).await;
        (answer.status == 401 && answer.body.contains(errors)).then_some(answer)
    });
    assert_refused(&answer.await, 401, errors);
}

async fn secret(shop: &Shop, app: &str) -> String {
    let sealed: Vec<u8> = sqlx::query_scalar("select secret from shopline_apps where app_key = $1")
        .bind(app)
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    keyring().unwrap_secret("shopline_apps", &sealed).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_added_and_revoked_and_its_tokens_with_it() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let add = ["app", "add", "--scopes", "read_customers"];
    let printed = does(&shop, &add, "").await;
    let (app, _) = printed.split_once(' ').unwrap();
    assert_eq!(app.len(), 40);
    let mint = ["token", "shopline", "--app", app];
    let first = does(&shop, &mint, "").await;
    let unknown = "The requested data does not exist.";
    assert_refused(&get(&server, &first).await, 406, unknown);
    let put = anonymous(&server, Method::PUT, "v20220901/customers/1.json");
    let put = put
        .header("authorization", &format!("Bearer {first}"))
        .json(&json!({ "customer": {} }));
    let scope = "This action requires write_customers scope";
    assert_refused(&put.send().await, 403, scope);
    let listed = does(&shop, &["app", "list"], "").await;
    let line = |state| format!("{app} standard read_customers {state}");
    assert!(
        listed.lines().any(|one| one == line("installed")),
        "{listed}"
    );
    assert!(listed.contains("app unlimited read_customers,write_customers installed"));

    let revoke = ["app", "revoke", "--key", app];
    assert_eq!(does(&shop, &revoke, "").await, app);
    is_refused(
        &server,
        &first,
        "Unauthorized: the app is not installed in this store",
    )
    .await;
    assert!(refuses(&shop, &revoke).await.contains("--key"));
    assert!(
        refuses(&shop, &["app", "rotate", "--key", app])
            .await
            .contains("--key")
    );
    assert!(refuses(&shop, &mint).await.contains("ledger app add"));
    let listed = does(&shop, &["app", "list"], "").await;
    assert!(listed.lines().any(|one| one == line("revoked")), "{listed}");

    // Added again, it keeps its secret, and its tokens from before stay shut.
    let before = secret(&shop, app).await;
    let again = [&add[..], &["--key", app, "--plan", "unlimited"]].concat();
    assert_eq!(does(&shop, &again, "").await, app);
    assert_eq!(secret(&shop, app).await, before);
    is_refused(
        &server,
        &first,
        "Unauthorized: the access token was revoked",
    )
    .await;
    let second = does(&shop, &mint, "").await;
    assert_refused(&get(&server, &second).await, 406, unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_made_or_given_and_another_one_leaves_the_tokens_alone() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let add = ["app", "add", "--scopes", "read_customers", "--key", "eve"];
    let printed = does(&shop, &add, "").await;
    assert_eq!(printed, format!("eve {}", secret(&shop, "eve").await));
    let token = does(&shop, &["token", "shopline", "--app", "eve"], "").await;
    let rotate = ["app", "rotate", "--key", "eve"];
    let rotated = does(&shop, &rotate, "").await;
    assert_ne!(rotated, printed);
    assert_eq!(rotated, format!("eve {}", secret(&shop, "eve").await));
    let given = [&rotate[..], &["--secret-stdin"]].concat();
    assert_eq!(does(&shop, &given, "a secret of eve's\r\n").await, "eve");
    assert_eq!(secret(&shop, "eve").await, "a secret of eve's");
    assert_eq!(get(&server, &token).await.status, 406);
    assert!(refuses(&shop, &given).await.contains("no secret"));
    for wrong in ["", "a b", "\u{e4}", &"a".repeat(65)] {
        let (code, _, said) = shop.run(&[&add[..5], &[wrong]].concat(), "").await;
        assert_eq!(code, 2, "{said}");
    }
    let nobody = ["token", "shopline", "--app", "nobody"];
    assert!(refuses(&shop, &nobody).await.contains("ledger app add"));
}

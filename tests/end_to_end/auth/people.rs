//! `ledger user`, and what becomes of a person's proofs.

use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};

use super::{PROXY, user};
use crate::support::shop::Shop;

/// Made by scrypt-kdf 2.0.1 with N 2, r 1, p 1, as Medusa does.
const IMPORTED_PASSWORD: &str = "correct horse battery";
const IMPORTED_HASH: &str = "c2NyeXB0AAEAAAABAAAAAdsEoggJ7VyuAgfTWaJovG+skYL1FwBdbrSvP/RpyvLSQ3JQByvst409DSHsgGFyVXZ0KNkIZqhYjN4Dznuvr1T1zeS/iv5eRdkyCrlwu7Ux";

#[tokio::test]
async fn a_password_hash_of_medusas_signs_in_and_is_made_anew() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let import = ["import", "--email", "Old@example.com", "--id", "usr_old"];
    let (code, id, said) = user(&shop, &import, &format!("{IMPORTED_HASH}\n")).await;
    assert_eq!((code, id.as_str()), (0, "usr_old\n"), "{said}");
    let stored = async || -> String {
        sqlx::query_scalar("select password_hash from medusa_users where user_id = 'usr_old'")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap()
    };
    let login = |password| server.login_at("/admin/auth", "old@example.com", password);
    assert_eq!(login("another").send().await.status, 401);
    assert_eq!(stored().await, IMPORTED_HASH);
    let user = login(IMPORTED_PASSWORD).send().await.ok();
    assert_eq!(user["user"]["id"], "usr_old");
    assert_eq!(user["user"]["api_token"], Value::Null);
    let anew = stored().await;
    assert!(anew.starts_with("$argon2id$"), "{anew}");
    // What is shown has not changed by it.
    assert_eq!(login(IMPORTED_PASSWORD).send().await.ok(), user);
    assert_eq!(stored().await, anew);
    assert_eq!(login("another").send().await.status, 401);
}

#[tokio::test]
async fn a_removed_persons_proofs_open_nothing_but_the_bearer() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let (email, password) = ("eve@example.com", "horse horse");
    let add = ["add", "--email", email, "--role", "admin"];
    let (_, printed, said) = user(&shop, &add, &format!("{password}\r\n")).await;
    let (id, token) = printed.trim().split_once(' ').expect(&said);
    let (_, listed, _) = user(&shop, &["list"], "").await;
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.contains(&format!("{id} admin {email} ")) && !listed.contains(token));
    let cookie = server.session_cookie(email, password).await;
    let bearer = server.bearer_token(email, password).await;
    let proofs = [
        ("cookie", cookie.as_str()),
        ("authorization", bearer.as_str()),
        ("x-medusa-access-token", token),
    ];
    for proof in proofs {
        let me = server.who_am_i(&[proof]).await.ok();
        assert_eq!(
            (&me["user"]["id"], &me["user"]["api_token"]),
            (&json!(id), &json!(token))
        );
    }
    let (code, removed, _) = user(&shop, &["remove", "--email", email], "").await;
    assert_eq!((code, removed.trim()), (0, id));
    assert_eq!(server.who_am_i(&[proofs[0]]).await.status, 401);
    // A token is remembered for two seconds.
    wait::until("the api token opens nothing", async || {
        (server.who_am_i(&[proofs[2]]).await.status == 401).then_some(())
    })
    .await;
    let login = server.login_at("/admin/auth", email, password).send().await;
    assert_eq!(login.status, 401);
    let gone = server.who_am_i(&[proofs[1]]).await;
    assert_eq!((gone.status, gone.body.as_str()), (400, "Bad Request"));
    let unknown = server
        .with_proofs(Method::GET, "/admin/customers/cus_x", &[proofs[1]])
        .await;
    assert_eq!(unknown.status, 404, "the bearer is not looked up");
    let (code, _, said) = user(&shop, &["remove", "--email", email], "").await;
    assert_eq!(code, 1, "{said}");
    // The e-mail is free again, for somebody else.
    let (code, other, said) = user(&shop, &add, "another horse\n").await;
    assert_eq!(code, 0, "{said}");
    assert!(!other.contains(id));
    server.bearer_token(email, "another horse").await;
}

#[tokio::test]
async fn another_password_ends_the_sessions_and_the_same_one_keeps_them() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let add = ["add", "--email", "eve@example.com"];
    user(&shop, &add, "horsehorse\n").await;
    let cookie = server.session_cookie("eve@example.com", "horsehorse").await;
    user(&shop, &add, "horsehorse\n").await;
    server.who_am_i(&[("cookie", &cookie)]).await.ok();
    user(&shop, &add, "another horse\n").await;
    assert_eq!(server.who_am_i(&[("cookie", &cookie)]).await.status, 401);
    let wrong = server.login_at("/admin/auth", "eve@example.com", "horsehorse");
    assert_eq!(wrong.send().await.status, 401);
    for (arguments, line, word) in [
        (&["add", "--email", "eve"][..], "p\n", "--email"),
        (&["add", "--email", "a@example.com"], "\n", "password"),
        (
            &["import", "--email", "a@example.com"],
            "plain text\n",
            "hash",
        ),
    ] {
        let (code, printed, said) = user(&shop, arguments, line).await;
        assert_eq!((code, printed.as_str()), (1, ""));
        assert!(
            said.contains(word) && !said.contains("plain text"),
            "{said}"
        );
    }
}

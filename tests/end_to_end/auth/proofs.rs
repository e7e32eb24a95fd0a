//! The three proofs, and what signs them.

use hyper::Method;
use serde_json::json;

use super::PROXY;
use crate::http::conformance::proofs::signed;
use crate::support::shop::{ADMIN_EMAIL, ADMIN_PASSWORD, API_TOKEN, MEDUSA_JWT_SECRET, Shop, now};

/// Statement 46 of what Medusa's own tests assert.
#[tokio::test]
async fn creating_a_session_gives_the_user_and_creating_a_token_gives_an_access_token() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let login = |path| server.login_at(path, ADMIN_EMAIL, ADMIN_PASSWORD);
    let user = login("/admin/auth").send().await.ok()["user"].clone();
    assert_eq!(user["email"], ADMIN_EMAIL);
    assert_eq!(user["api_token"], API_TOKEN);
    assert!(user.get("password_hash").is_none(), "{user}");
    let token = login("/admin/auth/token").send().await.ok();
    let token = token["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let same = server.who_am_i(&[("authorization", &bearer)]).await.ok();
    assert_eq!(same["user"], user);
    // Medusa looks the e-mail up in lower case.
    let upper = ADMIN_EMAIL.to_uppercase();
    let upper = server.login_at("/admin/auth", &upper, ADMIN_PASSWORD);
    assert_eq!(upper.send().await.ok()["user"], user);
}

#[tokio::test]
async fn one_good_proof_is_enough_whatever_the_others_are() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let id = server.create_guest("guest@example.com").await["id"].clone();
    let path = format!("/admin/customers/{}", id.as_str().unwrap());
    let cookie = server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let bearer = server.bearer_token(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let second = now().as_second();
    let of_the_store = json!({ "user_id": "usr_x", "domain": "store", "exp": second + 99 });
    let over = json!({ "user_id": "usr_x", "domain": "admin", "exp": second - 9 });
    let forged_cookie = cookie.replace("s%3A", "s%3AX");
    let good = [
        ("cookie", cookie.as_str()),
        ("authorization", bearer.as_str()),
        ("x-medusa-access-token", API_TOKEN),
    ];
    let bad_bearers = [
        "Bearer garbage".to_owned(),
        format!("Bearer {API_TOKEN}"),
        format!("Basic {API_TOKEN}"),
        format!("Bearer {}", signed(MEDUSA_JWT_SECRET, &of_the_store)),
        format!("Bearer {}", signed(MEDUSA_JWT_SECRET, &over)),
        format!("{bearer}x"),
    ];
    for bad_bearer in &bad_bearers {
        let bad = [
            ("cookie", forged_cookie.as_str()),
            ("authorization", bad_bearer.as_str()),
            ("x-medusa-access-token", "another-token"),
        ];
        let refused = server.with_proofs(Method::GET, &path, &bad).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (401, "Unauthorized")
        );
        assert!(!refused.headers.contains_key("content-type"));
        for (at, proof) in good.iter().enumerate() {
            let mut proofs = bad;
            proofs[at] = *proof;
            server.with_proofs(Method::GET, &path, &proofs).await.ok();
        }
    }
}

#[tokio::test]
async fn without_a_secret_of_its_own_the_bearer_is_signed_under_the_master_key() {
    let shop = Shop::open().await;
    let unset = [("MEDUSA_JWT_SECRET", "")];
    let first = shop.serve_with("api", &unset).await;
    let second = shop.serve_with("api", &unset).await;
    let bearer = first.bearer_token(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    second.who_am_i(&[("authorization", &bearer)]).await.ok();
    let claims = json!({ "user_id": "usr_x", "domain": "admin", "exp": 9_999_999_999_i64 });
    for secret in ["", MEDUSA_JWT_SECRET] {
        let forged = format!("Bearer {}", signed(secret, &claims));
        let refused = second.who_am_i(&[("authorization", &forged)]).await;
        assert_eq!(refused.status, 401);
    }
    let other = shop.serve("api").await;
    assert_eq!(
        other.who_am_i(&[("authorization", &bearer)]).await.status,
        401
    );
}

#[tokio::test]
async fn no_secret_can_be_read_in_the_database_or_the_log() {
    let shop = Shop::open().await;
    let settings = [PROXY[0], ("LEDGER_LOG", "debug")];
    let mut server = shop.serve_with("api", &settings).await;
    let cookie = server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let bearer = server.bearer_token(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    for _ in 0..12 {
        server
            .login_at("/admin/auth", ADMIN_EMAIL, "wrongwrong")
            .send()
            .await;
    }
    let session = cookie.split_once("s%3A").unwrap().1;
    let (session, signature) = session.split_once('.').unwrap();
    assert_eq!((session.len(), signature.len() >= 43), (32, true));
    let mut owner = shop.database.owner().await;
    let mut stored = String::new();
    for table in [
        "medusa_users",
        "medusa_sessions",
        "refusals",
        "idempotency_keys",
    ] {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let rows: String = sqlx::query_scalar(&sql)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        stored.push_str(&rows);
    }
    assert!(stored.contains(ADMIN_EMAIL), "the users were read");
    let bytea = |text: &str| hex::encode(text);
    let secrets = [
        ADMIN_PASSWORD,
        "wrongwrong",
        API_TOKEN,
        session,
        bearer.strip_prefix("Bearer ").unwrap(),
    ];
    for secret in secrets {
        assert!(
            !stored.contains(secret) && !stored.contains(&bytea(secret)),
            "{secret}"
        );
    }
    server.signal("TERM").await;
    server.child.wait().await.unwrap();
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("ready"), "{log}");
    for secret in secrets.into_iter().chain([ADMIN_EMAIL]) {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

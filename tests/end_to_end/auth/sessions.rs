//! Sessions: how one begins, who knows it, how it ends.

use hyper::Method;

use super::{PROXY, cookie_of, sessions};
use crate::support::shop::{ADMIN_EMAIL, ADMIN_PASSWORD, Server, Shop};

#[tokio::test]
async fn a_session_outlives_the_process_is_known_to_all_and_ends_at_all() {
    let shop = Shop::open().await;
    let first = shop.serve_with("api", &PROXY).await;
    let cookie = first.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let proof = [("cookie", cookie.as_str())];
    first.who_am_i(&proof).await.ok();
    first.kill().await;
    let (second, third) = (shop.serve("api").await, shop.serve("api").await);
    let user = second.who_am_i(&proof).await.ok();
    assert_eq!(third.who_am_i(&proof).await.ok(), user);
    let ended = second
        .with_proofs(Method::DELETE, "/admin/auth", &proof)
        .await;
    assert_eq!((ended.status, ended.body.as_str()), (200, "OK"));
    for server in [&second, &third] {
        let refused = server.who_am_i(&proof).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (401, "Unauthorized")
        );
        let again = server
            .with_proofs(Method::DELETE, "/admin/auth", &proof)
            .await;
        assert_eq!(again.status, 401);
    }
    assert_eq!(sessions(&shop).await, 0);
}

#[tokio::test]
async fn signing_out_with_another_proof_ends_the_session_of_the_cookie() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let cookie = server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let kept = server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let out = server.medusa(Method::DELETE, "/admin/auth");
    assert_eq!(out.send().await.status, 200);
    server.who_am_i(&[("cookie", &cookie)]).await.ok();
    let out = server.medusa(Method::DELETE, "/admin/auth");
    assert_eq!(out.header("cookie", &cookie).send().await.status, 200);
    assert_eq!(server.who_am_i(&[("cookie", &cookie)]).await.status, 401);
    server.who_am_i(&[("cookie", &kept)]).await.ok();
}

#[tokio::test]
async fn a_session_is_over_after_ten_hours() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let cookie = server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let proof = [("cookie", cookie.as_str())];
    let mut owner = shop.database.owner().await;
    let lasts: bool = sqlx::query_scalar(
        "select expires_at - created_at between interval '10 hours' and interval '601 minutes' \
         from medusa_sessions",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(lasts);
    server.who_am_i(&proof).await.ok();
    // As if it had begun ten hours earlier.
    sqlx::query("update medusa_sessions set expires_at = expires_at - interval '10 hours'")
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(server.who_am_i(&proof).await.status, 401);
    // The next sign-in takes it away.
    server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    assert_eq!(sessions(&shop).await, 1);
}

#[tokio::test]
async fn a_person_has_so_many_sessions_and_the_oldest_makes_place() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let mut cookies = vec![];
    for _ in 0..21 {
        cookies.push(server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD).await);
    }
    assert_eq!(sessions(&shop).await, 20);
    assert_eq!(
        server.who_am_i(&[("cookie", &cookies[0])]).await.status,
        401
    );
    server.who_am_i(&[("cookie", &cookies[1])]).await.ok();
    let at_once = (0..8).map(|_| server.session_cookie(ADMIN_EMAIL, ADMIN_PASSWORD));
    futures_util::future::join_all(at_once).await;
    assert_eq!(sessions(&shop).await, 20);
    // Who signs in with a session gets another one in its place.
    let last = server
        .login_at("/admin/auth", ADMIN_EMAIL, ADMIN_PASSWORD)
        .header("x-forwarded-proto", "https")
        .header("cookie", &cookies[20])
        .send()
        .await;
    assert_ne!(cookie_of(&last.headers).unwrap(), cookies[20]);
    assert_eq!(
        server.who_am_i(&[("cookie", &cookies[20])]).await.status,
        401
    );
}

#[tokio::test]
async fn only_a_sign_in_over_https_leaves_a_session() {
    let shop = Shop::open().await;
    let direct = shop.serve("api").await;
    let proxied = shop.serve_with("api", &PROXY).await;
    let login = |server: &Server| server.login_at("/admin/auth", ADMIN_EMAIL, ADMIN_PASSWORD);
    let https = ("x-forwarded-proto", "https");
    for (call, why) in [
        (login(&direct), "plain http"),
        (
            login(&direct).header(https.0, https.1),
            "nobody is trusted to say https",
        ),
        (login(&proxied), "the proxy does not say https"),
        (
            login(&proxied).header("x-forwarded-proto", "http"),
            "the proxy says http",
        ),
        (
            proxied
                .login_at("/admin/auth/token", ADMIN_EMAIL, ADMIN_PASSWORD)
                .header(https.0, https.1),
            "a token is no session",
        ),
        (
            proxied
                .medusa(Method::GET, "/admin/auth")
                .header(https.0, https.1),
            "another proof",
        ),
    ] {
        let answer = call.send().await;
        answer.ok();
        assert!(!answer.headers.contains_key("set-cookie"), "{why}");
    }
    for (password, status) in [("not it", 401), ("", 400)] {
        let answer = proxied
            .login_at("/admin/auth", ADMIN_EMAIL, password)
            .header(https.0, https.1)
            .send()
            .await;
        assert_eq!(answer.status, status);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let garbage = [("cookie", "connect.sid=s%3Abogus.sig"), https];
    assert_eq!(proxied.who_am_i(&garbage).await.status, 401);
    assert_eq!(sessions(&shop).await, 0);
}

#[tokio::test]
async fn a_sign_in_is_never_repeated_for_its_idempotency_key() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    for email in [ADMIN_EMAIL, ADMIN_EMAIL, "nobody@example.com"] {
        let answer = server
            .login_at("/admin/auth", email, ADMIN_PASSWORD)
            .header("x-forwarded-proto", "https")
            .header("idempotency-key", "the-same")
            .send()
            .await;
        assert_eq!(answer.status, if email == ADMIN_EMAIL { 200 } else { 401 });
    }
    assert_eq!(sessions(&shop).await, 2);
    let keys: i64 = sqlx::query_scalar("select count(*) from idempotency_keys")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert_eq!(keys, 0);
}

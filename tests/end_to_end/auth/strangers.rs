//! Whatever else may be sent to `/admin/auth`.

use hyper::Method;

use super::PROXY;
use crate::support::shop::Shop;

#[tokio::test]
async fn whatever_a_stranger_sends_ends_in_a_documented_answer() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let long = "a".repeat(20_000);
    let bodies = [
        r"[]",
        r"{",
        r#"{"email":"b@example.com","password":"\u0000"}"#,
        r#"{"email":"c@example.com","password":"\ud800"}"#,
        r#"{"email":"\"\u0000\"@example.com","password":"x"}"#,
        r#"{"email":{"$ne":null},"password":{"$ne":null}}"#,
        r#"{"email":"' or 1=1 --@example.com","password":"x"}"#,
        r#"{"__proto__":{"email":"a@example.com"},"constructor":1}"#,
        &format!(
            r#"{{"email":"a@example.com","password":"{}"}}"#,
            "p".repeat(100_000)
        ),
        &format!(r#"{{"email":"{long}@example.com","password":"x"}}"#),
    ];
    for path in [
        "/admin/auth",
        "/ADMIN//auth/",
        "/admin/auth/token",
        "/admin/auth/token/",
    ] {
        for body in bodies {
            let call = server.without_proof(Method::POST, path);
            let answer = call
                .body(body.as_bytes().to_vec(), "application/json")
                .send()
                .await;
            assert!(
                [400, 401].contains(&answer.status),
                "{} {body}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn no_proof_that_is_none_opens_a_door_or_breaks_it() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &PROXY).await;
    let long = "a".repeat(20_000);
    let long_cookie = format!("connect.sid=s%3A{long}.AAAA");
    let cookies: [&[u8]; 6] = [
        b"connect.sid=s%3A%00.AAAA",
        b"connect.sid=s%3A.",
        b"connect.sid=\xff\xfe",
        b";;;=;connect.sid",
        b"connect.sid=j%3A%7B%7D",
        long_cookie.as_bytes(),
    ];
    for cookie in cookies {
        for name in [
            "cookie",
            "authorization",
            "x-medusa-access-token",
            "x-forwarded-for",
        ] {
            for method in [Method::GET, Method::DELETE, Method::PUT, Method::HEAD] {
                let call = server.without_proof(method, "/admin/auth");
                let answer = call.header_bytes(name, cookie).send().await;
                assert_eq!(answer.status, 401, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn other_methods_are_no_routes_and_a_get_can_be_asked_again() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    for (method, path) in [
        (Method::PUT, "/admin/auth"),
        (Method::GET, "/admin/auth/token"),
        (Method::DELETE, "/admin/auth/token"),
    ] {
        assert_eq!(
            server
                .without_proof(method.clone(), path)
                .send()
                .await
                .status,
            401
        );
        assert_eq!(server.medusa(method, path).send().await.status, 404);
    }
    let head = server.medusa(Method::HEAD, "/admin/auth").send().await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let me = server.medusa(Method::GET, "/admin/auth").send().await;
    let again = server.medusa(Method::GET, "/admin/auth");
    let again = again
        .header("if-none-match", me.header("etag"))
        .send()
        .await;
    assert_eq!(again.status, 304);
}

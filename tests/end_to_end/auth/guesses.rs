//! Wrong passwords.

use devkit::wait;
use hyper::Method;

use super::user;
use crate::support::shop::{ADMIN_EMAIL, ADMIN_PASSWORD, Shop};

#[tokio::test]
async fn guesses_are_throttled_whether_the_account_is_there_or_not() {
    let shop = Shop::open().await;
    let (code, _, said) = user(
        &shop,
        &["add", "--email", "eve@example.com"],
        "horsehorse\n",
    )
    .await;
    assert_eq!(code, 0, "{said}");
    let server = shop.serve("api").await;
    for email in [ADMIN_EMAIL, "nobody@example.com"] {
        for guess in 0..10 {
            // Which of the two routes is asked, and how the e-mail is written, makes no difference.
            let path = ["/admin/auth", "/admin/auth/token"][guess % 2];
            let email = [email.to_owned(), email.to_uppercase()][guess / 5].clone();
            let wrong = server.login_at(path, &email, "not it").send().await;
            assert_eq!((wrong.status, wrong.body.as_str()), (401, "Unauthorized"));
        }
        // Also with the right password, or a guesser would know it by the answer.
        for password in ["not it", ADMIN_PASSWORD] {
            let late = server.login_at("/admin/auth", email, password).send().await;
            assert_eq!(
                (late.status, late.body.as_str()),
                (429, "Too Many Requests")
            );
            let wait: u64 = late.header("retry-after").parse().unwrap();
            assert!((1..=61).contains(&wait), "{wait}");
        }
    }
    // Others sign in from the same address, as often as they like.
    for _ in 0..12 {
        server.bearer_token("eve@example.com", "horsehorse").await;
    }
    // And who has another proof goes on.
    let me = server.medusa(Method::GET, "/admin/auth").send().await;
    assert_eq!(me.ok()["user"]["email"], ADMIN_EMAIL);
}

#[tokio::test]
async fn guesses_at_an_account_are_kept_without_what_was_typed() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let me = server.medusa(Method::GET, "/admin/auth").send().await.ok();
    let id = me["user"]["id"].as_str().unwrap().to_owned();
    for email in [ADMIN_EMAIL, "nobody@example.com"] {
        let wrong = server.login_at("/admin/auth", email, "a wrong password");
        assert_eq!(wrong.send().await.status, 401);
    }
    let kept = wait::until("the refusal is kept", async || {
        let kept: Vec<(String, String, i32, String)> =
            sqlx::query_as("select actor_id, route, status, kind from refusals")
                .fetch_all(&shop.database.pool)
                .await
                .unwrap();
        (!kept.is_empty()).then_some(kept)
    })
    .await;
    let route = "POST /admin/auth".to_owned();
    assert_eq!(kept, [(id, route, 401, "login_failed".to_owned())]);
}

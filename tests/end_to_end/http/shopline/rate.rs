//! How often an app may ask.

use std::time::{Duration, Instant};

use customer_ledger::auth::apps::{App, add_app};
use customer_ledger::contracts::shopline::rate::Plan;
use devkit::http::{Answer, Call};
use hyper::Method;

use super::assert_refused;
use crate::support::shop::{Server, Shop, keyring, token};

/// Adds an app of a plan.
async fn add(shop: &Shop, key: &str, plan: Plan) {
    let owner = sqlx::PgPool::connect(&shop.database.owner_url)
        .await
        .unwrap();
    let app = App {
        key,
        secret: None,
        scopes: &["read_customers".to_owned()],
        plan,
    };
    let made = add_app(&owner, &keyring(), &"main".into(), &app)
        .await
        .unwrap();
    assert_eq!(made.map(|secret| secret.len()), Some(64));
    owner.close().await;
}

/// A request for a customer that there is not: what is refused counts, too.
async fn ask(server: &Server, token: &str) -> Answer {
    let path = "/admin/openapi/v20220901/customers/v2/4299999999.json";
    let call = Call::new(Method::GET, &server.base, path);
    call.header("authorization", &format!("Bearer {token}"))
        .send()
        .await
}

fn is_admitted(answer: &Answer) -> bool {
    if answer.status == 429 {
        assert_refused(answer, 429, "Too many request");
        assert_eq!(answer.header("retry-after"), "1");
        return false;
    }
    assert_refused(answer, 406, "The requested data does not exist.");
    true
}

/// How many of so many requests at once are admitted.
async fn burst(server: &Server, token: &str, requests: usize) -> usize {
    let all = (0..requests).map(|_| ask(server, token));
    let answers = futures_util::future::join_all(all).await;
    answers.iter().filter(|answer| is_admitted(answer)).count()
}

/// How many requests are admitted when it is asked again and again for so long.
async fn hammer(server: &Server, token: &str, duration: Duration) -> usize {
    let began = Instant::now();
    let mut admitted = 0;
    while began.elapsed() < duration {
        admitted += burst(server, token, 6).await;
    }
    admitted
}

/// How many requests may be admitted while so much time goes by.
fn most(time: Duration) -> usize {
    40 + usize::try_from(time.as_millis() / 250).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_asks_forty_times_at_once_and_then_four_times_a_second() {
    let shop = Shop::open().await;
    add(&shop, "limited", Plan::Standard).await;
    add(&shop, "another", Plan::Standard).await;
    let server = shop.serve("api").await;
    let limited = token("limited");
    let began = Instant::now();
    assert_eq!(burst(&server, &limited, 40).await, 40);
    let late = burst(&server, &limited, 30).await;
    assert!(40 + late <= most(began.elapsed()), "{late}");
    // Others are not held up by it.
    assert_eq!(burst(&server, &token("another"), 40).await, 40);
    assert_eq!(burst(&server, &shop.shopline_token, 100).await, 100);
    let more = hammer(&server, &limited, Duration::from_secs(3)).await;
    let time = began.elapsed();
    let admitted = 40 + late + more;
    assert!(admitted <= most(time), "{admitted} in {time:?}");
    // Whatever leaked in those three seconds could be asked again.
    assert!(more >= 8, "{more} in three seconds");
    let leases: Vec<(String, i64)> =
        sqlx::query_as("select app_key, serial from shopline_rates order by app_key")
            .fetch_all(&shop.database.pool)
            .await
            .unwrap();
    // Forty at once are eight leases when nothing delays them; an unlimited app has none.
    let apps: Vec<&str> = leases.iter().map(|(app, _)| app.as_str()).collect();
    assert_eq!(apps, ["another", "limited"]);
    assert!(leases[0].1 < 40, "{leases:?}");
}

#[tokio::test]
async fn an_app_whose_requests_cannot_be_counted_has_to_wait_and_no_other() {
    let shop = Shop::open().await;
    add(&shop, "limited", Plan::Standard).await;
    let server = shop.serve("api").await;
    let mut owner = shop.database.owner().await;
    let revoke = "revoke all on shopline_rates from ledger_app";
    sqlx::query(revoke).execute(&mut owner).await.unwrap();
    let unavailable = "Service temporarily unavailable, please try again";
    for _ in 0..3 {
        assert_refused(&ask(&server, &token("limited")).await, 503, unavailable);
    }
    assert_eq!(burst(&server, &shop.shopline_token, 3).await, 3);
    let grant = "grant select, insert, update on shopline_rates to ledger_app";
    sqlx::query(grant).execute(&mut owner).await.unwrap();
    assert_eq!(burst(&server, &token("limited"), 40).await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_together_admit_no_more_than_one() {
    let shop = Shop::open().await;
    add(&shop, "limited", Plan::Standard).await;
    let (one, two) = (shop.serve("api").await, shop.serve("api").await);
    let limited = token("limited");
    let began = Instant::now();
    let duration = Duration::from_secs(3);
    let (at_one, at_two) = tokio::join!(
        hammer(&one, &limited, duration),
        hammer(&two, &limited, duration)
    );
    let time = began.elapsed();
    let admitted = at_one + at_two;
    assert!(admitted <= most(time), "{at_one} + {at_two} in {time:?}");
    // At most four of what one process would have admitted are lost, and what is held at the end.
    assert!(admitted + 16 >= most(duration), "{at_one} + {at_two}");
    assert!(at_one > 0 && at_two > 0, "{at_one} + {at_two}");
}

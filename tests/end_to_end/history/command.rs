//! The same questions from the command line.

use hyper::Method;
use serde_json::json;

use super::{accesses, open};

#[tokio::test]
async fn the_command_line_answers_what_http_does() {
    let (shop, server) = open().await;
    let known = server.guest("c@example.com").await;
    server
        .update(&known.medusa, &json!({ "first_name": "Bob" }))
        .await
        .ok();
    server
        .put(&known.shopline, &json!({ "note": "likes tea" }))
        .await
        .ok();
    let id = &*known.medusa;
    for (arguments, question) in [
        (
            &["show", id, "--shape", "medusa", "--as-of", "1"][..],
            "?shape=medusa&as_of=1",
        ),
        (
            &["show", id, "--shape", "shopline", "--json"],
            "?shape=shopline",
        ),
        (&["log", id, "--json"], "/log"),
        (
            &["log", id, "--json", "--limit", "1", "--after", "1"],
            "/log?limit=1&after=1",
        ),
        (
            &["diff", id, "1..3", "--shape", "shopline", "--json"],
            "/diff?shape=shopline&from=1&to=3",
        ),
        (
            &["diff", id, "--shape", "medusa", "--json"],
            "/diff?shape=medusa",
        ),
        (
            &["blame", id, "/note", "--shape", "shopline", "--json"],
            "/blame?shape=shopline&pointer=/note",
        ),
    ] {
        let (code, printed, errors) = shop.run(arguments, "").await;
        assert_eq!((code, &*errors), (0, ""), "{arguments:?}");
        let answer = server.ask(id, question).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, printed.trim_end()),
            "{arguments:?}"
        );
    }
    let (_, printed, _) = shop.run(&["show", id, "--shape", "medusa"], "").await;
    assert_eq!(printed, server.get_medusa(id).await.body);
    let asked = accesses(&shop).await;
    assert_eq!(
        asked.iter().filter(|(_, kind)| kind == "operator").count(),
        6
    );
}

#[tokio::test]
async fn programs_get_lines_with_tabs_between_the_columns() {
    let (shop, server) = open().await;
    let known = server.guest("c@example.com").await;
    let call = server.medusa(Method::POST, &format!("/admin/customers/{}", known.medusa));
    let call = call
        .json(&json!({ "first_name": "Bob\n\u{1b}[31m" }))
        .header("ledger-reason", "typo");
    call.send().await.ok();
    let (code, printed, _) = shop
        .run(&["diff", &known.medusa, "1..2", "--shape", "medusa"], "")
        .await;
    assert_eq!(code, 0);
    let lines: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let name = lines
        .iter()
        .find(|line| line[0] == "/customer/first_name")
        .unwrap();
    assert_eq!(name[1..4], ["\"Gustavius\"", "\"Bob\\n\\u001b[31m\"", "2"]);
    let (_, printed, _) = shop.run(&["log", &known.medusa, "--open"], "").await;
    let last: Vec<&str> = printed.lines().last().unwrap().split('\t').collect();
    assert_eq!(
        (last[0], last[1], last[4], last[6], last[9]),
        ("2", "2", "medusa", "first_name", "typo")
    );
}

#[tokio::test]
async fn a_wrong_question_ends_with_code_2_and_a_sentence() {
    let (shop, server) = open().await;
    let known = server.guest("c@example.com").await;
    let id = &*known.medusa;
    for (arguments, sentence) in [
        (
            &["show", "cus_nope", "--shape", "medusa"][..],
            "no customer or group has or had this id",
        ),
        (&["show", id, "--shape", "latin"], "medusa, shopline"),
        (
            &["show", id, "--shape", "medusa", "--as-of", "soon"],
            "this is no point in time",
        ),
        (
            &["show", id, "--shape", "medusa", "--as-of", "9"],
            "its last is 1",
        ),
        (&["diff", id, "1", "--shape", "medusa"], "two dots"),
        (
            &["blame", id, "zip", "--shape", "medusa"],
            "no JSON Pointer",
        ),
        (&["log", id, "--limit", "0"], "--limit"),
    ] {
        let (code, printed, errors) = shop.run(arguments, "").await;
        assert_eq!((code, &*printed), (2, ""), "{errors}");
        assert!(errors.contains(sentence), "{errors}");
    }
    let asked = accesses(&shop).await;
    assert!(asked.len() <= 1, "{asked:?}");
}

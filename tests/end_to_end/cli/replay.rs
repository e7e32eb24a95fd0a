//! `ledger replay`: a customer's life, step by step.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::shop::Shop;

#[tokio::test]
async fn a_life_is_walked_step_by_step() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let mut positions = vec![shop.head().await];
    for name in ["Ann", "Bob"] {
        let update = json!({ "first_name": name });
        server.put(&known.shopline, &update).await.ok();
        positions.push(shop.head().await);
    }
    let delete = server.shopline(
        Method::DELETE,
        &format!("customers/{}.json", known.shopline),
    );
    delete.send().await.ok();
    positions.push(shop.head().await);

    // Every step, as documents: each begins where the last one ended.
    let (code, out, err) = shop.run(&["replay", &known.medusa, "--json"], "").await;
    assert_eq!((code, err.as_str()), (0, ""));
    let steps: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let walked: Vec<_> = steps
        .iter()
        .map(|step| step["by"]["position"].as_i64().unwrap())
        .collect();
    assert_eq!(walked, positions);
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["after"], pair[1]["before"]);
    }
    assert_eq!(steps[0]["before"], Value::Null);
    assert_eq!(steps[2]["after"]["customer"]["first_name"], "Bob");
    assert_eq!(steps[3]["after"], Value::Null);

    // As somebody at a terminal asks.
    let until = positions[2].to_string();
    let ask = [
        "replay",
        &known.medusa,
        "--until",
        &until,
        "--shape",
        "shopline",
        "--step",
    ];
    let jump = format!("n\n\nn\np\nj {}\nj 0\nx\nq\nn\n", positions[0]);
    let (code, out, err) = shop.run(&ask, &jump).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let seen: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with(char::is_alphanumeric) && !line.starts_with("gone"))
        .map(|line| line.split(" at ").next().unwrap())
        .collect();
    let at = |step: usize| format!("{}/3 position {}", step + 1, positions[step]);
    assert_eq!(
        seen,
        [
            &at(0),
            &at(1),
            &at(2),
            "this is the last event",
            &at(1),
            &at(0),
            "it was not there yet: it was created",
            "write n (next), p (previous), j POSITION (jump) or q (quit)",
        ]
    );
    assert!(out.contains("+     \"first_name\": \"Bob\""), "{out}");
    assert!(!out.contains('\x1b'), "colour is for terminals");
    let (_, log, _) = shop.run(&["access-log", &known.medusa], "").await;
    assert_eq!(log.matches("replay").count(), 2, "{log}");
}

#[tokio::test]
async fn a_life_that_cannot_be_walked_is_told_in_a_sentence() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    server.guest("first@example.com").await;
    let known = server.guest("g@example.com").await;
    for (arguments, said) in [
        (&["cus_nope"][..], "no customer or group has or had this id"),
        (&[&known.medusa, "--until", "1"], "was not there yet"),
        (&[&known.medusa, "--until", "99"], "its last is 2"),
        (&[&known.medusa, "--until", "someday"], "point in time"),
    ] {
        let arguments = [&["replay"], arguments].concat();
        let (code, out, err) = shop.run(&arguments, "").await;
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said) && err.lines().count() == 1, "{err}");
    }
}

//! `ledger bisect`: the event at which something turned true, and where two releases part.

use std::fs;
use std::io::BufReader;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use customer_ledger::history::fold_protocol::{Begin, Folder};
use customer_ledger::history::{Entry, State};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::customer::Known;
use crate::support::postgres::directory;
use crate::support::shop::{Server, Shop};

const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");

async fn open() -> (Shop, Server) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    (shop, server)
}

/// Gives a customer a first name: the position of the event.
async fn rename(shop: &Shop, server: &Server, known: &Known, name: &str) -> i64 {
    let update = json!({ "first_name": name });
    server.put(&known.shopline, &update).await.ok();
    shop.head().await
}

/// The turns that are found: position, and whether it turned true.
async fn turns(shop: &Shop, arguments: &[&str]) -> (i32, Vec<(i64, bool)>) {
    let arguments = [&["bisect"], arguments, &["--json"]].concat();
    let (code, out, err) = shop.run(&arguments, "").await;
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {err}"));
    let turn = |turn: &Value| {
        let position = turn["by"]["position"].as_i64().unwrap();
        (position, turn["is_true"] == true)
    };
    (
        code,
        told["turns"].as_array().unwrap().iter().map(turn).collect(),
    )
}

#[tokio::test]
async fn the_event_at_which_something_turned_true_is_found() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let other = server.guest("other@example.com").await;
    let first = rename(&shop, &server, &known, "Bob").await;
    rename(&shop, &server, &other, "Bob").await;
    let away = rename(&shop, &server, &known, "Cy").await;
    let second = rename(&shop, &server, &known, "Bob").await;
    rename(&shop, &server, &other, "Dan").await;
    let bob = "$[?@.first_name=='Bob']";
    for shape in ["medusa", "shopline"] {
        let ask = [&known.medusa, bob, "--shape", shape];
        assert_eq!(turns(&shop, &ask).await, (0, vec![(first, true)]));
        let every = [&ask[..], &["--every"]].concat();
        let all = vec![(first, true), (away, false), (second, true)];
        assert_eq!(turns(&shop, &every).await, (0, all));
    }
    // What stays true once it is: by halving as by looking at all.
    for predicate in ["$.customer", "$[?@.first_name!='Gustavius']"] {
        let scanned = turns(&shop, &[&known.shopline, predicate]).await;
        let halved = turns(&shop, &[&known.shopline, predicate, "--monotone"]).await;
        assert_eq!(scanned.1.len(), 1);
        assert_eq!(halved, scanned, "{predicate}");
    }
    let (code, out, _) = shop.run(&["bisect", &known.stream, bob], "").await;
    assert_eq!(code, 0);
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with(&format!("true\t{first}\t")), "{out}");
    let change = "/customer/first_name\t\"Gustavius\"\t\"Bob\"";
    assert!(lines.contains(&change), "{out}");
    let (_, log, _) = shop.run(&["access-log", &known.stream], "").await;
    assert!(log.contains("bisect"), "{log}");
}

#[tokio::test]
async fn an_event_of_a_group_is_found_in_the_life_of_its_members() {
    let (shop, server) = open().await;
    let group = server.create_group("vip").await;
    let known = server.guest("g@example.com").await;
    let post = async |path: String, body: Value| {
        let call = server.medusa(Method::POST, &path).json(&body);
        call.send().await.ok();
        shop.head().await
    };
    let joined = json!({ "groups": [{ "id": group }] });
    post(format!("/admin/customers/{}", known.medusa), joined).await;
    let path = format!("/admin/customer-groups/{group}");
    let renamed = post(path, json!({ "name": "gold" })).await;
    rename(&shop, &server, &known, "Bob").await;
    let gold = "$.customer.groups[?@.name=='gold']";
    for how in [&[][..], &["--monotone"], &["--every"]] {
        let ask = [&[known.medusa.as_str(), gold], how].concat();
        assert_eq!(turns(&shop, &ask).await, (0, vec![(renamed, true)]));
    }
}

#[tokio::test]
async fn a_search_that_finds_nothing_or_cannot_begin_says_so() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let nobody = "$[?@.first_name=='Nobody']";
    assert_eq!(turns(&shop, &[&known.medusa, nobody]).await, (1, vec![]));
    let monotone = [&known.medusa, nobody, "--monotone"];
    assert_eq!(turns(&shop, &monotone).await, (1, vec![]));
    let not_a_ledger = directory().join("missing").display().to_string();
    for (arguments, said) in [
        (&[&known.medusa, "first_name=='Nobody'"][..], "JSONPath"),
        (
            &["cus_nope", nobody],
            "no customer or group has or had this id",
        ),
        (&[&known.medusa], "predicate"),
        (
            &[&known.medusa, "--against", &not_a_ledger],
            "cannot be run",
        ),
        (&[&known.medusa, "--against", "/bin/true"], "did not fold"),
        (
            &["all", "--against", "/bin/true", "--shape", "shopline"],
            "leave --shape",
        ),
        (&["all", "--against", "/bin/cat"], "did not fold"),
    ] {
        let arguments = [&["bisect"], arguments].concat();
        let (code, out, err) = shop.run(&arguments, "").await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.to_lowercase().contains(&said.to_lowercase()), "{err}");
        assert!(!err.contains("Nobody"), "{err}");
    }
}

/// SHOPLINE's projection with a bug: it keeps four characters of a postal code.
fn with_a_bug(state: &mut State, entry: &Entry) -> bool {
    let belongs = state.apply(entry);
    for address in &mut state.views.shopline.addresses {
        address.zip.truncate(4);
    }
    belongs
}

/// A release that has that bug: an executable that lets this process fold.
fn a_release_with_a_bug() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for asked in listener.incoming() {
            let asked = asked.unwrap();
            let input = BufReader::new(asked.try_clone().unwrap());
            let start = |begin: &Begin| Ok(Folder::new(begin)?.with_code(with_a_bug));
            // Who asks is gone once it knows enough.
            thread::spawn(move || drop(customer_ledger::cli::fold::answer(input, asked, start)));
        }
    });
    let path = directory().join("ledger-with-a-bug");
    let script = format!(
        "#!/bin/bash\n[ \"$*\" = fold ] || exit 2\nexec 3<>/dev/tcp/127.0.0.1/{port} 4<&0\n\
         cat <&4 >&3 &\nexec cat <&3\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_release_with_a_bug_is_found_by_customer_pointer_and_position() {
    let (shop, server) = open().await;
    let group = server.create_group("vip").await;
    let unharmed = server.guest("a@example.com").await;
    let known = server.guest("g@example.com").await;
    let groups = json!({ "groups": [{ "id": group }], "metadata": { "a": [1.50, "é"] } });
    server
        .medusa(Method::POST, &format!("/admin/customers/{}", known.medusa))
        .json(&groups)
        .send()
        .await
        .ok();
    let address = |zip: &str| json!({ "addresses": [{ "address1": "Main 1", "zip": zip }] });
    server.put(&unharmed.shopline, &address("1011")).await.ok();
    server
        .put(&known.shopline, &json!({ "note": "n" }))
        .await
        .ok();
    server.put(&known.shopline, &address("10115")).await.ok();
    let position = shop.head().await;
    server
        .put(&known.shopline, &json!({ "note": "later" }))
        .await
        .ok();

    // This release agrees with itself, on groups and numbers too.
    let (code, out, err) = shop.run(&["bisect", "all", "--against", LEDGER], "").await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));

    let buggy = a_release_with_a_bug();
    let expected = format!("{}\t{position}\tshopline\t", known.stream);
    for whom in ["all", &known.medusa] {
        let (code, out, err) = shop.run(&["bisect", whom, "--against", &buggy], "").await;
        assert_eq!(code, 1, "{err}");
        assert_eq!(out.lines().count(), 1, "{out}");
        assert!(out.starts_with(&expected), "{out}");
        assert!(out.contains("/customer/addresses/0/zip"), "{out}");
        assert!(!out.contains("1011"), "no value is shown: {out}");
    }
    let ask = [
        "bisect",
        "all",
        "--against",
        &buggy,
        "--json",
        "--reason",
        "a new release",
    ];
    let (code, out, _) = shop.run(&ask, "").await;
    assert_eq!(code, 1);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["customers"], 2);
    assert_eq!(told["disagreements"][0]["position"], position);
    let (code, _, _) = shop
        .run(&["bisect", &unharmed.medusa, "--against", &buggy], "")
        .await;
    assert_eq!(code, 0);
    let (_, log, _) = shop.run(&["access-log", &unharmed.medusa], "").await;
    assert!(
        log.contains("bisect --against") && log.contains("a new release"),
        "{log}"
    );
}

#[tokio::test]
async fn a_release_is_asked_by_lines_that_stay_as_they_are() {
    let shop = Shop::open().await;
    let input = [
        r#"{"fold":1,"time_zone":"Asia/Shanghai","currency":"USD"}"#,
        r#"{"customer":"01J00000000000000000000000"}"#,
        r#"{"position":7,"sequence":1,"store":"main","kind":"Customer","stream":"01J00000000000000000000000","time":"2026-03-01T10:00:00.000001Z","type":"CustomerCreated","version":"1.1.0","payload":{"event":"CustomerCreated","ids":{"medusa":"cus_1","shopline":"4200000001"},"first_name":{"$open":"Ann"},"has_account":false,"state":"not_invited","verified_email":false,"email_subscription":"never","mobile_subscription":"never"},"metadata":{"actor_kind":"operator","actor_id":"o","contract":"ledger","route":"r","request_id":"4bf92f3577b34da6a3ce929d0e0e4736"}}"#,
        "",
    ]
    .join("\n");
    let (code, out, err) = shop.run(&["fold"], &input).await;
    assert_eq!(err, "");
    assert_eq!(code, 0);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["position"], 7);
    assert_eq!(answer["medusa"]["customer"]["first_name"], "Ann");
    assert_eq!(answer["shopline"]["customer"]["first_name"], "Ann");
    for (input, said) in [
        (
            input.replace("\"fold\":1", "\"fold\":2"),
            "begin as version 1",
        ),
        (
            input.replace("CustomerCreated", "CustomerImagined"),
            "position 7",
        ),
        ("nonsense\n".to_owned(), "a line of the input"),
    ] {
        let (code, _, err) = shop.run(&["fold"], &input).await;
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(said) && err.lines().count() == 1, "{err}");
    }
}

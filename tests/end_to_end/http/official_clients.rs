//! The shops' own clients, unmodified, against a ledger: what a merchant's systems really send.

use std::io::Write as _;
use std::path::Path;

use tokio::process::Command;

use crate::support::shop::{ADMIN_EMAIL, ADMIN_PASSWORD, API_TOKEN, Shop};

/// Whether a program that a client needs is here, and new or old enough. In CI it must be.
fn is_here(program: &str, arguments: &[&str]) -> bool {
    let found = std::process::Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} is missing");
        // Not `eprintln!`: what a passing test prints is not shown.
        let mut screen = std::io::stderr();
        writeln!(
            screen,
            "\n*** SKIPPED: {program} is missing, so an official client was not tried ***\n"
        )
        .unwrap();
    }
    found
}

/// Runs a client's steps, which must all succeed.
async fn run(program: &str, folder: &str, packages: &str, settings: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/official_clients")
        .join(folder);
    let gets = "`./dev test` gets the client into";
    assert!(
        folder.join(packages).is_dir(),
        "{gets} {}",
        folder.display()
    );
    let script = if program == "node" {
        "run.mjs"
    } else {
        "run.py"
    };
    let output = Command::new(program)
        .arg(script)
        .current_dir(folder)
        .envs(settings.iter().copied())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}");
    assert!(
        said.lines().filter(|line| line.starts_with("ok: ")).count() >= 7,
        "{said}"
    );
}

/// npm's `@medusajs/medusa-js` 6.1.10. The steps are in `tests/official_clients/medusa/run.mjs`.
#[tokio::test]
async fn the_medusa_client_goes_through_auth_customers_and_groups() {
    if !is_here("node", &["--version"]) {
        return;
    }
    let shop = Shop::open().await;
    let proxies = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = shop.serve_with("api,relay,projector", &proxies).await;
    let settings = [
        ("BASE_URL", server.base.as_str()),
        ("API_TOKEN", API_TOKEN),
        ("ADMIN_EMAIL", ADMIN_EMAIL),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD),
    ];
    run("node", "medusa", "node_modules", &settings).await;
}

/// Python's `shoplineapi` 12.0.1, which Python runs up to 3.12. The steps are in
/// `tests/official_clients/shopline/run.py`.
#[tokio::test]
async fn the_shopline_client_lists_pages_finds_creates_and_updates() {
    if !is_here("python3", &["-W", "ignore", "-c", "import cgi"]) {
        return;
    }
    let shop = Shop::open().await;
    let proxies = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = shop.serve_with("api,relay,projector", &proxies).await;
    let settings = [
        ("LEDGER", server.base.trim_start_matches("http://")),
        ("SHOPLINE_TOKEN", &shop.shopline_token),
        ("SHOPLINE_READ_TOKEN", &shop.shopline_read_token),
    ];
    run("python3", "shopline", "packages", &settings).await;
}

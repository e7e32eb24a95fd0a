//! The shops' own clients, unmodified, against a ledger: what a merchant's systems really send.

use std::io::Write as _;
use std::path::Path;

use tokio::process::Command;

use crate::support::shop::{API_TOKEN, Shop};

/// Whether a program that a client needs is here. In CI it must be.
fn is_here(program: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("--version")
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

/// npm's `@medusajs/medusa-js` 6.1.10. The steps are in `tests/official_clients/medusa/run.mjs`.
#[tokio::test]
async fn the_medusa_client_goes_through_auth_customers_and_groups() {
    if !is_here("node") {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_clients/medusa");
    assert!(
        folder.join("node_modules").is_dir(),
        "`./dev test` gets the client; by hand: npm ci in {}",
        folder.display()
    );
    let shop = Shop::open().await;
    let proxies = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = shop.serve_with("api,relay,projector", &proxies).await;
    let output = Command::new("node")
        .arg("run.mjs")
        .current_dir(folder)
        .env("BASE_URL", &server.base)
        .env("API_TOKEN", API_TOKEN)
        .env("ADMIN_EMAIL", "admin@medusa-test.com")
        .env("ADMIN_PASSWORD", "supersecret")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}");
    assert!(said.ends_with("8 steps\n"), "{said}");
}

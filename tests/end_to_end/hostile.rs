//! Clients that are slow, silent, broken or hostile: each gets a documented answer or is closed, in
//! bounded time and memory, while all others are served. The bounds are in docs/operations.md.

mod crowds;
mod malformed;
mod raw;
mod routes;
mod slow;

use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::support::shop::Server;

/// An answer takes a few milliseconds; on a machine that does much else, this.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The most memory a ledger may ever have held, whatever was done to it.
const MEMORY_MAX_KIB: u64 = 768 * 1024;

/// Asks as others do, until it is dropped; fails when one is not answered in time.
async fn others_are_served(server: &Server, id: &str) {
    let mut pause = interval(Duration::from_millis(50));
    loop {
        pause.tick().await;
        is_served(server, id).await;
    }
}

/// One customer's read is answered, soon.
async fn is_served(server: &Server, id: &str) {
    let began = Instant::now();
    assert_eq!(server.get_medusa(id).await.status, 200);
    let took = began.elapsed();
    assert!(took < ANSWER_MAX, "others waited {took:?}");
}

/// The most memory that a process has held, in KiB.
fn memory_kib(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.child.id().unwrap());
    let status = std::fs::read_to_string(status).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.unwrap().trim().trim_end_matches(" kB");
    most.parse().unwrap()
}

#[track_caller]
fn memory_is_bounded(server: &Server) {
    let most = memory_kib(server);
    println!("at most {} MiB", most / 1024);
    assert!(most < MEMORY_MAX_KIB, "{most} KiB");
}

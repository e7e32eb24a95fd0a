//! Clients that are slow, silent, broken or hostile: each gets a documented answer or is closed, in
//! bounded time and memory, while all others are served. The bounds are in docs/operations.md.

mod crowds;
mod malformed;
mod raw;
mod routes;
mod slow;

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::support::shop::Server;

/// An answer takes a few milliseconds; on a machine that does much else, this.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The most memory a ledger may ever have held, whatever was done to it.
const MEMORY_MAX_KIB: u64 = 512 * 1024;

/// Does something while another client asks for its customer all the time and is answered soon.
async fn while_others_are_served<T>(server: &Server, abuse: impl Future<Output = T>) -> T {
    let other = server.create_guest("other@example.com").await;
    let id = other["id"].as_str().unwrap();
    let mut pause = interval(Duration::from_millis(50));
    let mut abuse = pin!(abuse);
    loop {
        let others = async {
            pause.tick().await;
            is_served(server, id).await;
        };
        tokio::select! {
            done = &mut abuse => return done,
            () = others => {}
        }
    }
}

/// A customer's read is answered, soon.
async fn is_served(server: &Server, id: &str) {
    let began = Instant::now();
    assert_eq!(server.get_medusa(id).await.status, 200);
    let took = began.elapsed();
    assert!(took < ANSWER_MAX, "others waited {took:?}");
}

/// The most memory that the process has held is within bounds: how much it was, in MiB.
#[track_caller]
fn memory_is_bounded(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.child.id().unwrap());
    let status = std::fs::read_to_string(status).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.unwrap().trim().trim_end_matches(" kB");
    let most: u64 = most.parse().unwrap();
    assert!(most < MEMORY_MAX_KIB, "{most} KiB");
    most / 1024
}

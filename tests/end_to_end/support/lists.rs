//! Lists, which the ledger may give up, or answer from views that are behind.

use devkit::http::{Answer, Call};
use devkit::wait;

/// Asks for a list, again when it is given up: a busy machine may be too slow for it.
pub(crate) async fn list(call: &Call) -> Answer {
    wait::until("the list is not given up", async || {
        let answer = call.clone().send().await;
        (answer.status != 503).then_some(answer)
    })
    .await
}

/// Asks for a list until it is neither given up nor behind: a projector that has just started takes
/// its time, too.
pub(crate) async fn current_list(call: &Call) -> Answer {
    wait::until("the list is behind nothing", async || {
        let answer = list(call).await;
        (!answer.headers.contains_key("ledger-behind")).then_some(answer)
    })
    .await
}

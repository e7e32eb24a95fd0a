//! `GET /ledger/customers/{id}/log`.

use axum::response::Response;
use events::ids::Position;

use super::asked::{Asked, OPEN, READ};
use super::problem::{Problem, bad};
use crate::history::questions::log::{PAGE, PAGE_MAX, Page};

/// What happened, a page at a time. Scope `ledger:read`; with `open=true`, also on whose behalf and
/// why, and scope `ledger:open`.
pub(in crate::http) async fn handle(request: Asked) -> Response {
    request.answer_apart(Box::pin(log(&request))).await
}

async fn log(request: &Asked) -> Result<String, Problem> {
    let query = request.parameters(&["after", "before", "limit", "open"])?;
    let open = match query.get("open") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("open must be true or false")),
    };
    let token = request.authorize(if open { OPEN } else { READ }).await?;
    let limit = query.number("limit")?.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(bad(format!("limit must be 1 to {PAGE_MAX}")));
    }
    let page = match (query.number("after")?, query.number("before")?) {
        (None, None) => Page::Last,
        (Some(after), None) => Page::After(Position::new(after)),
        (None, Some(before)) => Page::Before(Position::new(before)),
        (Some(_), Some(_)) => return Err(bad("after and before cannot both be given")),
    };
    let reason = request.reason()?;
    let questions = request.questions(&token, reason.as_deref());
    let log = questions.log(request.id()?, page, limit, open).await?;
    Ok(log.json(open).to_string())
}

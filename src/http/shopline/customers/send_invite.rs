//! `POST customers/{id}/send_invite.json`.

use projections::shopline::render_invite;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::Command;
use crate::http::shopline::call::Call;

/// Records an invitation. A consumer of the events sends it.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let stream = call.stream(found.customer_id()?).await?;
    let done = call.execute(&stream, Command::Invite, &[]).await?;
    Ok(render_invite(&done.views.shopline, &call.domain()))
}

//! Changes an address that is there.

use projections::shopline::render_address;

use crate::contracts::shopline::address::into_command;
use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::{AddressPatch, Command};
use crate::event_store::new_ids;
use crate::http::shopline::call::Call;

/// Changes the address that the path names, and shows it.
pub(super) async fn put(
    call: &Call<'_>,
    found: &MatchedPath,
    address: AddressPatch,
    body: &[u8],
) -> Result<String, ApiError> {
    let update = into_command(found.version.rules, address, new_ids::new_address);
    let stream = call.stream(found.customer_id()?).await?;
    let command = Command::Update(Box::new(update));
    let done = call.execute(&stream, command, body).await;
    let done = done.map_err(ApiError::of_path)?;
    render_address(&done.views.shopline, found.address_id()?).ok_or(ApiError::NoSuchData)
}

//! `POST customers/{id}/account_activation_url.json`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use projections::shopline::render_activation_url;

use crate::contracts::shopline::error::ApiError;
use crate::contracts::shopline::path::MatchedPath;
use crate::domain::customer::check_invitable;
use crate::http::shopline::call::Call;

/// Shows where a customer activates its account. The token is the customer's own: it cannot be made
/// without the ledger's keys.
pub(in crate::http) async fn handle(
    call: &Call<'_>,
    found: &MatchedPath,
) -> Result<String, ApiError> {
    let customer = call.shown(found.customer_id()?).await?;
    check_invitable(customer.profile.state)?;
    let token = format!("activation:{}", customer.stream);
    let token = call.api.ledger.keyring.hash_token(&token);
    let token = URL_SAFE_NO_PAD.encode(token);
    Ok(render_activation_url(&customer, &call.domain(), &token))
}

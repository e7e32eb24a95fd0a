//! Who asks: the access token of an app, and the scopes that an app is granted.
//!
//! A token is a JWT under HS512, signed with `SHOPLINE_JWT_SECRET`. It names the app and the store,
//! no scope: those are looked up per app.
//! Source: SHOPLINE, app authorization; the token in the documentation of "update customer".

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a token says, in the order of SHOPLINE's own tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The app: 40 hexadecimal digits.
    pub app_key: String,
    /// The merchant.
    pub seller_id: String,
    /// The store.
    pub store_id: String,
    /// Version of the token format: `V2`.
    pub version: String,
    /// The store's address: `https://{handle}.myshopline.com`.
    pub domain: String,
    /// When it was made, in milliseconds.
    pub timestamp: i64,
    /// Who made it. Not checked: the secret is the ledger's own.
    #[serde(default)]
    pub iss: String,
    /// When it ends, in seconds.
    pub exp: i64,
}

/// Why a request is not let in: 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unauthorized {
    /// No header.
    #[error("Unauthorized: an access token is required")]
    Missing,
    /// Another scheme than Bearer, or no token after it.
    #[error("Unauthorized: Authorization must be a Bearer token")]
    Scheme,
    /// Not a JWT, or without a claim we need.
    #[error("Unauthorized: the access token is malformed")]
    Malformed,
    /// Not signed with HS512 and our secret.
    #[error("Unauthorized: the access token is invalid")]
    Signature,
    /// Its time is over.
    #[error("Unauthorized: the access token has expired")]
    Expired,
    /// It is for another store.
    #[error("Unauthorized: the access token is for another store")]
    OtherStore,
}

/// The claims of an `Authorization` header whose token is signed with the secret and not over.
pub fn verify(
    secret: &[u8],
    authorization: Option<&str>,
    now: Timestamp,
) -> Result<Claims, Unauthorized> {
    let token = bearer(authorization.ok_or(Unauthorized::Missing)?)?;
    let mut validation = Validation::new(Algorithm::HS512);
    // The library would read the clock: `exp` is compared with `now` below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret);
    let claims = match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
        Ok(decoded) => decoded.claims,
        Err(error) => return Err(reason(error.kind())),
    };
    if claims.exp > now.as_second() {
        Ok(claims)
    } else {
        Err(Unauthorized::Expired)
    }
}

/// The token of a claim set, as SHOPLINE writes it: the header holds `alg` alone.
#[expect(
    clippy::missing_panics_doc,
    reason = "it never does, as the message says"
)]
pub fn sign(secret: &[u8], claims: &Claims) -> String {
    let mut header = Header::new(Algorithm::HS512);
    header.typ = None;
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret))
        .expect("claims are texts and integers, and HMAC takes a key of any length")
}

/// The scheme is matched in any case. Source: RFC 9110 §11.1.
fn bearer(authorization: &str) -> Result<&str, Unauthorized> {
    match authorization.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        Some(_) | None => Err(Unauthorized::Scheme),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list is open, and all that is left is a token that cannot be read"
)]
fn reason(kind: &ErrorKind) -> Unauthorized {
    match kind {
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Unauthorized::Signature,
        _ => Unauthorized::Malformed,
    }
}

impl Claims {
    /// Refuses a token that another store gave out.
    pub fn check_store(&self, handle: &str, store_id: &str) -> Result<(), Unauthorized> {
        let same_handle = self
            .handle()
            .is_some_and(|named| named.eq_ignore_ascii_case(handle));
        if same_handle && self.store_id == store_id {
            Ok(())
        } else {
            Err(Unauthorized::OtherStore)
        }
    }

    fn handle(&self) -> Option<&str> {
        let host = self.domain.strip_prefix("https://")?;
        host.strip_suffix('/')
            .unwrap_or(host)
            .strip_suffix(".myshopline.com")
    }
}

/// What an app may do with customers. Writing does not include reading: SHOPLINE grants each by
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// See customers.
    ReadCustomers,
    /// Create, change and delete customers.
    WriteCustomers,
}

impl Scope {
    /// The name as SHOPLINE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadCustomers => "read_customers",
            Self::WriteCustomers => "write_customers",
        }
    }

    /// The scopes of a comma list. Names of scopes beyond customers open nothing here.
    pub fn parse_list(list: &str) -> Vec<Self> {
        list.split(',')
            .filter_map(|name| {
                [Self::ReadCustomers, Self::WriteCustomers]
                    .into_iter()
                    .find(|scope| scope.name() == name.trim())
            })
            .collect()
    }
}

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
    /// The caller found that its app is not installed, or no more.
    #[error("Unauthorized: the app is not installed in this store")]
    NotInstalled,
    /// Its app was revoked since, and installed again.
    #[error("Unauthorized: the access token was revoked")]
    Revoked,
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
    pub(crate) fn check_store(&self, handle: &str, store_id: &str) -> Result<(), Unauthorized> {
        let same_handle = self
            .handle()
            .is_some_and(|named| named.eq_ignore_ascii_case(handle));
        if same_handle && self.store_id == store_id {
            Ok(())
        } else {
            Err(Unauthorized::OtherStore)
        }
    }

    /// Refuses a token that was made before the app was last revoked.
    pub(crate) fn check_made_since(&self, since: Option<Timestamp>) -> Result<(), Unauthorized> {
        match since {
            Some(since) if self.timestamp < since.as_millisecond() => Err(Unauthorized::Revoked),
            Some(_) | None => Ok(()),
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
    pub(crate) fn parse_list(list: &str) -> Vec<Self> {
        list.split(',')
            .filter_map(|name| {
                [Self::ReadCustomers, Self::WriteCustomers]
                    .into_iter()
                    .find(|scope| scope.name() == name.trim())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret of the ledger's own";
    const EXP: i64 = 1_769_927_492;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The claims of the token in SHOPLINE's documentation.
    fn claims() -> Claims {
        Claims {
            app_key: "f2379d21628c33d11db1fdb697a3f7c26e4c0a09".into(),
            seller_id: "2000234880".into(),
            store_id: "1672369729606".into(),
            version: "V2".into(),
            domain: "https://sl-open-sg.myshopline.com".into(),
            timestamp: 1_675_319_492_439,
            iss: "ysoul".into(),
            exp: EXP,
        }
    }

    fn bearer(token: &str) -> String {
        format!("Bearer {token}")
    }

    fn check(authorization: &str) -> Result<Claims, Unauthorized> {
        verify(SECRET, Some(authorization), at(EXP - 1))
    }

    #[test]
    fn a_token_has_the_two_parts_of_the_documented_one() {
        let token = sign(SECRET, &claims());
        // Header and payload of the token in the documentation; the signature is by our own secret.
        let documented = "eyJhbGciOiJIUzUxMiJ9.eyJhcHBLZXkiOiJmMjM3OWQyMTYyOGMzM2QxMWRiMWZkYjY5N2E\
            zZjdjMjZlNGMwYTA5Iiwic2VsbGVySWQiOiIyMDAwMjM0ODgwIiwic3RvcmVJZCI6IjE2NzIzNjk3Mjk2MDYiL\
            CJ2ZXJzaW9uIjoiVjIiLCJkb21haW4iOiJodHRwczovL3NsLW9wZW4tc2cubXlzaG9wbGluZS5jb20iLCJ0aW1\
            lc3RhbXAiOjE2NzUzMTk0OTI0MzksImlzcyI6Inlzb3VsIiwiZXhwIjoxNzY5OTI3NDkyfQ.";
        assert!(token.starts_with(documented));
        assert_eq!(check(&bearer(&token)), Ok(claims()));
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let token = sign(SECRET, &claims());
        for header in [
            format!("bearer {token}"),
            format!("BEARER   {token} "),
            format!("Bearer {token}"),
        ] {
            assert_eq!(check(&header), Ok(claims()));
        }
        for header in [
            token.clone(),
            format!("Basic {token}"),
            String::new(),
            "Bearer".to_owned(),
        ] {
            assert_eq!(check(&header), Err(Unauthorized::Scheme));
        }
        assert_eq!(
            verify(SECRET, None, at(EXP - 1)),
            Err(Unauthorized::Missing)
        );
    }

    #[test]
    fn a_token_ends_at_its_second() {
        let header = bearer(&sign(SECRET, &claims()));
        assert!(verify(SECRET, Some(&header), at(EXP - 1)).is_ok());
        for over in [EXP, EXP + 1, EXP + 100_000] {
            assert_eq!(
                verify(SECRET, Some(&header), at(over)),
                Err(Unauthorized::Expired)
            );
        }
    }

    #[test]
    fn only_hs512_under_our_secret_is_believed() {
        assert_eq!(
            check(&bearer(&sign(b"another secret", &claims()))),
            Err(Unauthorized::Signature)
        );
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());
        let signed_as = |algorithm| {
            let header = Header::new(algorithm);
            let key = EncodingKey::from_secret(SECRET);
            jsonwebtoken::encode(&header, &claims(), &key).unwrap()
        };
        let unsigned = |alg: &str| {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
            format!("{header}.{payload}.")
        };
        for forged in [
            signed_as(Algorithm::HS256),
            signed_as(Algorithm::HS384),
            unsigned("RS256"),
            unsigned("ES256"),
            unsigned("HS512"),
        ] {
            assert_eq!(check(&bearer(&forged)), Err(Unauthorized::Signature));
        }
        for forged in [unsigned("none"), unsigned("None"), unsigned("")] {
            assert_eq!(check(&bearer(&forged)), Err(Unauthorized::Malformed));
        }
        // A changed claim under the true signature.
        let token = sign(SECRET, &claims());
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let mut other = claims();
        other.exp += 1;
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&other).unwrap());
        assert_eq!(
            check(&bearer(&format!("{header}.{payload}.{signature}"))),
            Err(Unauthorized::Signature)
        );
    }

    #[test]
    fn a_typ_in_the_header_and_further_claims_are_fine() {
        let header = Header::new(Algorithm::HS512);
        assert!(header.typ.is_some());
        let mut further = serde_json::to_value(claims()).unwrap();
        further["nbf"] = json!("never");
        further["aud"] = json!(["somebody"]);
        further.as_object_mut().unwrap().shift_remove("iss");
        let key = EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&header, &further, &key).unwrap();
        assert_eq!(check(&bearer(&token)).unwrap().app_key, claims().app_key);
    }

    #[test]
    fn a_token_without_a_claim_we_need_is_malformed() {
        let key = EncodingKey::from_secret(SECRET);
        for claim in ["appKey", "storeId", "domain", "exp"] {
            let mut less = serde_json::to_value(claims()).unwrap();
            less.as_object_mut().unwrap().shift_remove(claim);
            let header = Header::new(Algorithm::HS512);
            let token = jsonwebtoken::encode(&header, &less, &key).unwrap();
            assert_eq!(check(&bearer(&token)), Err(Unauthorized::Malformed));
        }
    }

    #[test]
    fn a_token_opens_its_own_store_only() {
        let token = claims();
        assert_eq!(token.check_store("sl-open-sg", "1672369729606"), Ok(()));
        assert_eq!(token.check_store("SL-Open-SG", "1672369729606"), Ok(()));
        for (handle, store) in [
            ("sl-open", "1672369729606"),
            ("sl-open-sg", "1672369729607"),
            ("", ""),
            ("sl-open-sg.myshopline.com", "1672369729606"),
        ] {
            assert_eq!(
                token.check_store(handle, store),
                Err(Unauthorized::OtherStore)
            );
        }
        let mut elsewhere = claims();
        elsewhere.domain = "https://sl-open-sg.example.com".into();
        assert_eq!(
            elsewhere.check_store("sl-open-sg", "1672369729606"),
            Err(Unauthorized::OtherStore)
        );
    }

    #[test]
    fn scopes_are_granted_one_by_one() {
        use Scope::{ReadCustomers, WriteCustomers};
        assert_eq!(
            Scope::parse_list("read_customers,write_customers"),
            [ReadCustomers, WriteCustomers]
        );
        assert_eq!(
            Scope::parse_list(" write_customers , read_orders"),
            [WriteCustomers]
        );
        assert_eq!(Scope::parse_list(""), []);
    }

    proptest! {
        #[test]
        fn any_header_is_believed_or_refused(header in ".*", token in "[A-Za-z0-9._=-]{0,80}") {
            prop_assert!(check(&header).is_err());
            prop_assert!(check(&bearer(&token)).is_err());
        }
    }
}

//! The bearer token: a JWT under HS256 with the claims `user_id`, `domain`, `iat` and `exp`.
//!
//! The person it names is not looked up. Source: cases `auth-token-ok`, `auth-bearer-unknown-user`;
//! passport-jwt 4 and jsonwebtoken 9. Those would also take HS384 and HS512, which Medusa never
//! signs with; here only HS256 opens.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::json;

/// How long a token lives.
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// What a token of the Admin API is for; one of the Store API opens nothing here.
const DOMAIN: &str = "admin";

#[derive(Deserialize)]
struct Claims {
    user_id: String,
    domain: String,
    exp: f64,
    nbf: Option<f64>,
}

/// The person that an `Authorization` header's token names, if it is one of ours and not over.
pub fn verify(secret: &[u8], authorization: &str, now: Timestamp) -> Option<String> {
    // The first two words, whatever follows. Source: passport-jwt, `auth_header`.
    let mut words = authorization.split_whitespace();
    let (scheme, token) = (words.next()?, words.next()?);
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    // The library would read the clock: times are compared with `now` below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?;
    let Claims {
        user_id,
        domain,
        exp,
        nbf,
    } = claims.claims;
    let now = now.as_duration().as_secs_f64().floor();
    let is_now = now < exp && nbf.is_none_or(|nbf| nbf <= now);
    let is_somebody = !user_id.is_empty() && !user_id.contains('\0');
    (is_now && is_somebody && domain == DOMAIN).then_some(user_id)
}

/// A new token for a person.
pub fn sign(secret: &[u8], user_id: &str, now: Timestamp) -> String {
    let claims = json!({
        "user_id": user_id,
        "domain": DOMAIN,
        "iat": now.as_second(),
        "exp": (now + LIFE).as_second(),
    });
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .expect("claims are texts and integers, and HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const SECRET: &[u8] = b"a secret of the tests";
    const NOW: i64 = 1_795_284_686;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn signed(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    fn opens(token: &str) -> Option<String> {
        verify(SECRET, &format!("Bearer {token}"), at(NOW))
    }

    #[test]
    fn a_token_opens_for_a_day() {
        let token = sign(SECRET, "usr_1", at(NOW));
        assert_eq!(opens(&token).as_deref(), Some("usr_1"));
        let later = |seconds| verify(SECRET, &format!("Bearer {token}"), at(NOW + seconds));
        assert!(later(86_399).is_some());
        assert_eq!(later(86_400), None);
        for scheme in ["bearer", "BEARER ", "  bEARER  "] {
            let authorization = format!("{scheme} {token} and more");
            assert!(verify(SECRET, &authorization, at(NOW)).is_some());
        }
        for authorization in [token.clone(), format!("Basic {token}"), "Bearer".to_owned()] {
            assert_eq!(verify(SECRET, &authorization, at(NOW)), None);
        }
    }

    #[test]
    fn what_medusa_never_signed_opens_nothing() {
        let good = json!({ "user_id": "usr_1", "domain": "admin", "exp": NOW + 9 });
        assert!(opens(&signed(Algorithm::HS256, SECRET, &good)).is_some());
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            assert_eq!(opens(&signed(algorithm, SECRET, &good)), None);
        }
        for secret in [&b"another"[..], b""] {
            assert_eq!(opens(&signed(Algorithm::HS256, secret, &good)), None);
        }
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"RS256"}"#,
            "{}",
        ] {
            for signature in ["", "AAAA"] {
                let forged = [part(header), part(&good.to_string()), signature.to_owned()];
                assert_eq!(opens(&forged.join(".")), None, "{header}");
            }
        }
        for bad in [
            json!({ "domain": "admin", "exp": NOW + 9 }),
            json!({ "user_id": "", "domain": "admin", "exp": NOW + 9 }),
            json!({ "user_id": "a\0", "domain": "admin", "exp": NOW + 9 }),
            json!({ "user_id": 5, "domain": "admin", "exp": NOW + 9 }),
            json!({ "user_id": "usr_1", "exp": NOW + 9 }),
            json!({ "user_id": "usr_1", "domain": "store", "exp": NOW + 9 }),
            json!({ "user_id": "usr_1", "domain": "admin" }),
            json!({ "user_id": "usr_1", "domain": "admin", "exp": NOW }),
            json!({ "user_id": "usr_1", "domain": "admin", "exp": "9999999999" }),
            json!({ "user_id": "usr_1", "domain": "admin", "exp": NOW + 9, "nbf": NOW + 5 }),
            json!([]),
            json!(null),
        ] {
            assert_eq!(
                opens(&signed(Algorithm::HS256, SECRET, &bad)),
                None,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_changed_token_opens_nothing() {
        let token = sign(SECRET, "usr_1", at(NOW));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(opens(&changed), None, "{changed}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in ".{0,40}") {
            verify(SECRET, &header, at(NOW));
            verify(SECRET, &format!("Bearer {header}"), at(NOW));
        }
    }
}

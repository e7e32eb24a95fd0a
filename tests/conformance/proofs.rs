//! The variables that the recording began with: the admin's e-mail and password, and bearer tokens
//! made for it, as the recording's script made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::world::World;
use crate::support::shop::{ADMIN_EMAIL, ADMIN_PASSWORD, MEDUSA_JWT_SECRET, now};

/// Gives them to a world.
pub(crate) fn prepare(world: &mut World) {
    world.set("admin_email", ADMIN_EMAIL);
    world.set("admin_password", ADMIN_PASSWORD);
    let now = now().as_second();
    let person = |id: &str, domain: &str, life: i64| json!({ "user_id": id, "domain": domain, "iat": now - 99, "exp": now + life });
    let ours = MEDUSA_JWT_SECRET;
    for (name, secret, claims) in [
        ("jwt_expired", ours, person("usr_x", "admin", -9)),
        ("jwt_unknown_user", ours, person("usr_nobody", "admin", 999)),
        ("jwt_wrong_domain", ours, person("usr_x", "store", 999)),
        (
            "jwt_no_user",
            ours,
            json!({ "domain": "admin", "iat": now, "exp": now + 999 }),
        ),
        (
            "jwt_bad_sig",
            "not-the-secret",
            person("usr_x", "admin", 999),
        ),
    ] {
        world.set(name, &signed(secret, &claims));
    }
    let unsigned = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let header = unsigned(r#"{"alg":"none","typ":"JWT"}"#);
    let claims = unsigned(&person("usr_x", "admin", 999).to_string());
    world.set("jwt_alg_none", &format!("{header}.{claims}."));
}

/// A token under HS256.
pub(crate) fn signed(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

//! A user as `POST` and `GET /admin/auth` show it. Users are no events: they have no projection.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A person of the merchant's.
#[derive(Clone, PartialEq)]
pub struct User {
    /// `usr_…`.
    pub id: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// `admin`, `member` or `developer`.
    pub role: String,
    /// E-mail.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The api token, which the contract shows to who signs in.
    pub api_token: Option<String>,
    /// Whatever Medusa was told of the person.
    pub metadata: Value,
}

/// The answer's body. Source: case `auth-login-ok-http`.
pub fn render(user: &User) -> String {
    let shown = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    json!({ "user": {
        "id": user.id,
        "created_at": shown(user.created_at),
        "updated_at": shown(user.updated_at),
        "deleted_at": null,
        "role": user.role,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "api_token": user.api_token,
        "metadata": user.metadata,
    } })
    .to_string()
}

/// The answer's body of `POST /admin/auth/token`. Source: case `auth-token-ok`.
pub(crate) fn render_token(token: &str) -> String {
    json!({ "access_token": token }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_recorded_order() {
        let time: Timestamp = "2026-11-21T17:24:24.043999Z".parse().unwrap();
        let user = User {
            id: "usr_1".to_owned(),
            created_at: time,
            updated_at: time,
            role: "member".to_owned(),
            email: "a@x.com".to_owned(),
            first_name: Some("Ada".to_owned()),
            last_name: None,
            api_token: Some("t".to_owned()),
            metadata: Value::Null,
        };
        assert_eq!(
            render(&user),
            r#"{"user":{"id":"usr_1","created_at":"2026-11-21T17:24:24.043Z","updated_at":"2026-11-21T17:24:24.043Z","deleted_at":null,"role":"member","email":"a@x.com","first_name":"Ada","last_name":null,"api_token":"t","metadata":null}}"#
        );
    }
}

//! `POST /admin/auth` and `POST /admin/auth/token`: who signs in. The query is not looked at, and an
//! `Idempotency-Key` neither: a sign-in is never repeated for another.

use events::personal::Personal;
use express::json::Document;
use serde_json::{Map, Value};

use super::email;
use super::error::ApiError;
use super::validation::{Property, Rule, validate};

/// An e-mail and a password.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The e-mail, in lower case, as Medusa looks it up.
    pub email: Personal<String>,
    /// The password.
    pub password: Personal<String>,
}

const LOGIN: [Property; 2] = [
    Property::required("email", Rule::Email).not_empty(),
    Property::required("password", Rule::Text).not_empty(),
];

/// Reads the body. Source: cases `auth-login-empty-object`, `auth-login-empty-strings`,
/// `auth-token-invalid`.
pub fn parse_login(body: Document) -> Result<Login, ApiError> {
    let mut members = validate(body.value, &LOGIN)?;
    Ok(Login {
        email: email::lower_case(&text(&mut members, "email")).into(),
        password: text(&mut members, "password").into(),
    })
}

fn text(members: &mut Map<String, Value>, name: &str) -> String {
    match members.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => text,
        None
        | Some(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_),
        ) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::medusa::error::text_of_invalid;
    use express::json::parse;

    #[track_caller]
    fn refused(body: &str, message: &str) {
        assert_eq!(
            text_of_invalid(parse_login(parse(body).unwrap())),
            Err(message.to_owned()),
            "{body}"
        );
    }

    #[test]
    fn the_email_is_looked_up_in_lower_case_and_the_password_as_it_is() {
        let body = r#"{"email":"Ada@X.com","password":" P "}"#;
        let login = parse_login(parse(body).unwrap()).unwrap();
        assert_eq!(login.email, Personal::Open("ada@x.com".to_owned()));
        assert_eq!(login.password, Personal::Open(" P ".to_owned()));
        let printed = format!("{login:?}");
        assert!(
            !printed.contains("x.com") && !printed.contains('P'),
            "{printed}"
        );
    }

    /// The first four are recorded cases; the others were seen on a running Medusa.
    #[test]
    fn what_is_wrong_is_named_in_medusas_order() {
        let all = "email should not be empty, email must be an email, password should not be \
                   empty, password must be a string";
        refused("{}", all);
        refused(r#"{"email":null,"password":null}"#, all);
        refused(
            r#"{"email":"","password":""}"#,
            "email should not be empty, email must be an email, password should not be empty",
        );
        refused(
            r#"{"email":5}"#,
            "email must be an email, password should not be empty, password must be a string",
        );
        refused(
            r#"{"email":"a@x.com","password":""}"#,
            "password should not be empty",
        );
        refused(r#"{"email":[],"password":"p"}"#, "email must be an email");
        refused(
            r#"{"email":"a@x.com","password":{}}"#,
            "password must be a string",
        );
        refused(
            r#"{"email":"a@x.com","remember":true,"password":"p"}"#,
            "property remember should not exist",
        );
        refused("[]", "an unknown value was passed to the validate function");
    }
}

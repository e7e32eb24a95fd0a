//! Every way to be refused, and Medusa's own answer to it.
//!
//! JSON errors name `code` (if any), `type` and `message`, in this order. What Express itself
//! refuses is an HTML page, and a missing proof of identity is a bare text. What has no recorded
//! case was seen on a running Medusa 1.20.11.

use express::body::BodyError;
use express::etag::etag;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::domain::customer::Refusal;
use crate::domain::group;

/// Why Medusa refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its body cannot be read.
    Body(BodyError),
    /// There is no such route, or it does not have the method.
    NoRoute {
        /// The method.
        method: String,
        /// The path as sent, without the query.
        path: String,
        /// Whether it is under `/admin`, where cross-origin headers are set.
        in_admin: bool,
    },
    /// Nothing says who asks.
    Unauthorized,
    /// Nobody has this e-mail and password.
    LoginFailed,
    /// Too many wrong passwords were tried. Medusa has no such limit: see docs/medusa.md.
    LoginThrottled {
        /// When it can be tried again.
        seconds: u64,
    },
    /// Who asks is proven, and not there any longer.
    UserUnknown,
    /// What was sent is not what the operation takes, or breaks a rule: the message.
    Invalid(String),
    /// There is no such customer.
    CustomerUnknown {
        /// The id as asked for.
        id: String,
    },
    /// There is no such group.
    GroupUnknown {
        /// The id as asked for.
        id: String,
    },
    /// A customer cannot join a group that does not exist.
    JoinsUnknownGroup {
        /// The group's id as asked for: the first of several.
        group: String,
    },
    /// A customer cannot join a group twice.
    JoinsTwice {
        /// The group's Medusa id.
        group: String,
        /// The customer's Medusa id.
        customer: String,
    },
    /// On create: a registered customer has this e-mail.
    AccountExists,
    /// On create: a guest has this e-mail.
    GuestExists,
    /// On update, or when two race: another customer of the same kind has this e-mail.
    EmailTaken {
        /// The e-mail.
        email: String,
        /// Whether both are registered.
        has_account: bool,
    },
    /// On create: another group has this name.
    GroupNameTaken {
        /// The name.
        name: String,
    },
    /// On update: another group has this name.
    GroupRenameTaken {
        /// The name.
        name: String,
    },
    /// Customers that do not exist cannot join a group.
    MembersUnknown {
        /// Their ids as asked for, in order.
        ids: Vec<String>,
    },
    /// A header of the ledger's own cannot be taken: the message.
    Header(String),
    /// An `Idempotency-Key` came again with another request.
    KeyReused,
    /// Others kept changing the same thing.
    Conflict,
    /// The store is away for the moment: the official client repeats after a 503.
    Unavailable,
    /// Anything Medusa did not expect.
    Unknown,
}

/// The members that the operations know.
const MEMBERS: [&str; 20] = [
    "email",
    "first_name",
    "last_name",
    "password",
    "phone",
    "metadata",
    "groups",
    "id",
    "name",
    "customer_ids",
    "expand",
    "fields",
    "q",
    "order",
    "limit",
    "offset",
    "lt",
    "gt",
    "gte",
    "lte",
];

/// An answer, save for the headers that every answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers of this answer: [`POWERED_BY`] first, then those of the request's stage and kind.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// On every answer.
pub const POWERED_BY: (&str, &str) = ("x-powered-by", "Express");
/// On every answer to a request that got as far as `/admin`'s cross-origin rules.
pub const CROSS_ORIGIN: [(&str, &str); 2] = [
    ("vary", "Origin"),
    ("access-control-allow-credentials", "true"),
];
/// The content type of every JSON answer.
pub const JSON: &str = "application/json; charset=utf-8";
/// The content type of an answer that is only a word.
pub const TEXT: &str = "text/plain; charset=utf-8";

impl Refused {
    /// The refusal of a customer's command.
    ///
    /// `customer` is the id as asked for, `group` makes a group's Medusa id of its stream's.
    pub fn from_customer(
        refusal: Refusal,
        customer: &str,
        group: impl FnOnce(&str) -> String,
    ) -> Self {
        match refusal {
            Refusal::NotFound => Self::CustomerUnknown {
                id: customer.to_owned(),
            },
            // Source: case `update-registered-email`.
            Refusal::EmailFixed => Self::Invalid(
                "Email cannot be changed when the user has registered their account".to_owned(),
            ),
            // Not a validation message: it is what PostgreSQL's refusal becomes.
            Refusal::EmailRequired => Self::Invalid(
                "Can't insert null value in field email on insert in table customer".to_owned(),
            ),
            Refusal::GroupTwice { group: stream } => Self::JoinsTwice {
                group: group(&stream),
                customer: customer.to_owned(),
            },
            // The ledger's own limit, of metadata: Medusa has none.
            Refusal::TooLong {
                field: _,
                unit: _,
                count: _,
                limit: _,
            } => Self::Invalid(refusal.to_string()),
            // None of Medusa's rules: see `customer::RULES`.
            Refusal::ContactRequired
            | Refusal::MarketingNeedsEmail
            | Refusal::MarketingNeedsPhone
            | Refusal::InviteNeedsEmail
            | Refusal::NotInvitable
            | Refusal::AddressUnknown { shopline_id: _ } => Self::Unknown,
        }
    }

    /// The refusal of a group's command. `id` is the group's as asked for.
    pub fn from_group(refusal: group::Refusal, id: &str) -> Self {
        match refusal {
            group::Refusal::NotFound => Self::GroupUnknown { id: id.to_owned() },
            group::Refusal::Metadata(refusal) => Self::from_customer(refusal, id, str::to_owned),
        }
    }

    /// On create, an e-mail that a customer of the same kind has.
    pub const fn email_exists(has_account: bool) -> Self {
        if has_account {
            Self::AccountExists
        } else {
            Self::GuestExists
        }
    }

    /// A short name of the kind of refusal, without values: for the ledger's own record of it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Body(BodyError::Malformed) => "body_malformed",
            Self::Body(BodyError::TooLarge) => "body_too_large",
            Self::Body(BodyError::Unsupported) => "body_unsupported",
            Self::NoRoute { .. } => "no_route",
            Self::Unauthorized => "unauthorized",
            Self::LoginFailed => "login_failed",
            Self::LoginThrottled { .. } => "login_throttled",
            Self::UserUnknown => "user_unknown",
            Self::Invalid(_) => "invalid",
            Self::CustomerUnknown { .. } => "customer_unknown",
            Self::GroupUnknown { .. } | Self::JoinsUnknownGroup { .. } => "group_unknown",
            Self::JoinsTwice { .. } => "group_twice",
            Self::AccountExists | Self::GuestExists | Self::EmailTaken { .. } => "email_taken",
            Self::GroupNameTaken { .. } | Self::GroupRenameTaken { .. } => "group_name_taken",
            Self::MembersUnknown { .. } => "members_unknown",
            Self::Header(_) => "header",
            Self::KeyReused => "idempotency_key_reused",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }

    /// The members that the refusal names, if any: only those that an operation knows, since the
    /// name of an unknown one is the caller's own text.
    pub fn fields(&self) -> Vec<String> {
        match self {
            Self::Invalid(message) => message
                .split(", ")
                .filter_map(|part| part.split(' ').next())
                .filter(|name| MEMBERS.contains(name))
                .map(ToOwned::to_owned)
                .collect(),
            Self::JoinsUnknownGroup { .. } | Self::JoinsTwice { .. } => vec!["groups".to_owned()],
            Self::AccountExists | Self::GuestExists | Self::EmailTaken { .. } => {
                vec!["email".to_owned()]
            }
            Self::GroupNameTaken { .. } | Self::GroupRenameTaken { .. } => vec!["name".to_owned()],
            Self::MembersUnknown { .. } => vec!["customer_ids".to_owned()],
            Self::Body(_)
            | Self::NoRoute { .. }
            | Self::Unauthorized
            | Self::LoginFailed
            | Self::LoginThrottled { .. }
            | Self::UserUnknown
            | Self::CustomerUnknown { .. }
            | Self::GroupUnknown { .. }
            | Self::Header(_)
            | Self::KeyReused
            | Self::Conflict
            | Self::Unavailable
            | Self::Unknown => vec![],
        }
    }

    /// The whole answer.
    pub fn answer(&self) -> Answer {
        let status = self.status();
        let (kind, body) = match self {
            Self::Body(error) => (Kind::Html, page(body_title(*error))),
            Self::NoRoute { method, path, .. } => {
                let title = format!("Cannot {method} {}", encode_path(path));
                (Kind::Html, page(&escape(&title)))
            }
            Self::Unauthorized => (Kind::Bare, "Unauthorized".to_owned()),
            Self::LoginFailed | Self::LoginThrottled { .. } | Self::UserUnknown => {
                (Kind::Text, self.message())
            }
            Self::Invalid(_)
            | Self::CustomerUnknown { .. }
            | Self::GroupUnknown { .. }
            | Self::JoinsUnknownGroup { .. }
            | Self::JoinsTwice { .. }
            | Self::AccountExists
            | Self::GuestExists
            | Self::EmailTaken { .. }
            | Self::GroupNameTaken { .. }
            | Self::GroupRenameTaken { .. }
            | Self::MembersUnknown { .. }
            | Self::Header(_)
            | Self::KeyReused
            | Self::Conflict
            | Self::Unavailable
            | Self::Unknown => (Kind::Json, json(status, &self.message())),
        };
        let mut headers = vec![POWERED_BY];
        if self.is_past_cross_origin() {
            headers.extend(CROSS_ORIGIN);
        }
        let mut headers: Vec<_> = headers
            .into_iter()
            .chain(kind.headers().iter().copied())
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        if matches!(kind, Kind::Json | Kind::Text) {
            headers.push(("etag", etag(body.as_bytes())));
        }
        if let Self::LoginThrottled { seconds } = self {
            headers.push(("retry-after", seconds.to_string()));
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    const fn is_past_cross_origin(&self) -> bool {
        !matches!(
            self,
            Self::Body(_)
                | Self::NoRoute {
                    in_admin: false,
                    ..
                }
        )
    }

    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Body(BodyError::Malformed)
            | Self::Invalid(_)
            | Self::Header(_)
            | Self::UserUnknown => 400,
            Self::Unauthorized | Self::LoginFailed => 401,
            Self::NoRoute { .. }
            | Self::CustomerUnknown { .. }
            | Self::GroupUnknown { .. }
            | Self::JoinsUnknownGroup { .. }
            | Self::MembersUnknown { .. } => 404,
            Self::Conflict => 409,
            Self::Body(BodyError::TooLarge) => 413,
            Self::Body(BodyError::Unsupported) => 415,
            Self::JoinsTwice { .. }
            | Self::AccountExists
            | Self::GuestExists
            | Self::EmailTaken { .. }
            | Self::GroupNameTaken { .. }
            | Self::GroupRenameTaken { .. }
            | Self::KeyReused => 422,
            Self::LoginThrottled { .. } => 429,
            Self::Unknown => 500,
            Self::Unavailable => 503,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Body(error) => body_title(*error).to_owned(),
            Self::NoRoute { .. } => "Not Found".to_owned(),
            // Source: cases `auth-login-unknown-email`, `auth-get-bearer-unknown-user`.
            Self::Unauthorized | Self::LoginFailed => "Unauthorized".to_owned(),
            Self::LoginThrottled { .. } => "Too Many Requests".to_owned(),
            Self::UserUnknown => "Bad Request".to_owned(),
            Self::Invalid(message) | Self::Header(message) => message.clone(),
            // Source: case `update-not-found`.
            Self::CustomerUnknown { id } => format!("Customer with id: {id} was not found"),
            // Source: case `cg-get-not-found`. No colon here.
            Self::GroupUnknown { id } => format!("CustomerGroup with id {id} was not found"),
            Self::JoinsUnknownGroup { group } => joins_unknown(group),
            // Source: case `groups-duplicate-new`.
            Self::JoinsTwice { group, customer } => format!(
                "Customer_group_customers with customer_group_id, customer_id {group}, \
                 {customer} already exists."
            ),
            // Source: case `create-duplicate-registered`.
            Self::AccountExists => {
                "A customer with the given email already has an account. Log in instead".to_owned()
            }
            // Source: case `create-duplicate-guest`.
            Self::GuestExists => "Guest customer with email already exists".to_owned(),
            // Source: case `race-email-swap`. PostgreSQL writes booleans short.
            Self::EmailTaken { email, has_account } => {
                let has_account = if *has_account { 't' } else { 'f' };
                let key = format!("email, has_account={email}, {has_account}");
                format!("Customer with {} already exists.", unbraced(&key))
            }
            // Source: case `cg-create-duplicate`.
            Self::GroupNameTaken { name } => format!("Key (name)=({name}) already exists."),
            // Source: case `cg-update-duplicate-name`. Not the text of create.
            Self::GroupRenameTaken { name } => {
                let key = format!("name={name}");
                format!("Customer_group with {} already exists.", unbraced(&key))
            }
            Self::MembersUnknown { ids } => {
                let ids = Value::String(ids.join(", "));
                format!("The following customer ids do not exist: {ids}")
            }
            Self::KeyReused => "Idempotency-Key was already used for another request".to_owned(),
            Self::Unavailable => {
                "The service is unavailable. You may retry the request.".to_owned()
            }
            Self::Conflict => "The request conflicted with another request. You may retry the \
                               request with the provided Idempotency-Key."
                .to_owned(),
            Self::Unknown => "An unknown error occurred.".to_owned(),
        }
    }
}

/// Medusa takes the id out of PostgreSQL's message with a pattern; an id that is not of its kind
/// leaves it with nothing. Source: cases `groups-unknown-rolls-back`,
/// `groups-unknown-odd-id`.
fn joins_unknown(group: &str) -> String {
    let fits = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    if !group.is_empty() && group.chars().all(fits) {
        format!("Customer_group with customer_group_id {group} does not exist.")
    } else {
        "null".to_owned()
    }
}

/// Medusa makes a sentence of PostgreSQL's `Key (name)=(vip) already exists.` by taking out every
/// bracket and equals sign, also those of the value.
/// Source: `formatException` of Medusa 1.20.11, in its exception-formatter.
fn unbraced(key: &str) -> String {
    key.replace(['(', ')'], "").replace('=', " ")
}

/// Medusa's JSON error. Its type and code follow from the status.
fn json(status: u16, message: &str) -> String {
    #[derive(Serialize)]
    struct Error<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
        r#type: &'static str,
        message: &'a str,
    }
    let (code, r#type) = match status {
        400 => (None, "invalid_data"),
        404 => (None, "not_found"),
        409 => (Some("invalid_state_error"), "conflict"),
        422 => (Some("invalid_request_error"), "duplicate_error"),
        _ => (Some("unknown_error"), "unknown_error"),
    };
    let error = Error {
        code,
        r#type,
        message,
    };
    serde_json::to_string(&error).expect("texts always serialise")
}

enum Kind {
    Json,
    Html,
    /// Express' `sendStatus`.
    Text,
    Bare,
}

impl Kind {
    const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Json => &[("content-type", JSON)],
            Self::Html => &[
                ("content-security-policy", "default-src 'none'"),
                ("x-content-type-options", "nosniff"),
                ("content-type", "text/html; charset=utf-8"),
            ],
            Self::Text => &[("content-type", TEXT)],
            Self::Bare => &[],
        }
    }
}

const fn body_title(error: BodyError) -> &'static str {
    match error {
        BodyError::Malformed => "Bad Request",
        BodyError::TooLarge => "Payload Too Large",
        BodyError::Unsupported => "Unsupported Media Type",
    }
}

/// The page of Express' finalhandler, outside development.
fn page(text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A path as finalhandler shows it (encodeurl): what is not allowed in a URL is percent-encoded,
/// what is encoded already stays. Node.js takes each byte for a character.
fn encode_path(path: &str) -> String {
    let mut encoded = String::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut after = bytes.clone();
        let is_encoded = byte == b'%'
            && (0..2).all(|_| after.next().is_some_and(|digit| digit.is_ascii_hexdigit()));
        if is_encoded || byte.is_ascii_alphanumeric() || b"!#$&'()*+,-./:;=?@[]_~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let char = char::from(byte).to_string();
            encoded.extend(percent_encode(char.as_bytes(), NON_ALPHANUMERIC));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::{METADATA_BYTES_MAX, Unit};

    #[track_caller]
    fn check(refused: &Refused, status: u16, body: &str) {
        let answer = refused.answer();
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }

    fn no_route(method: &str, path: &str) -> Refused {
        Refused::NoRoute {
            method: method.to_owned(),
            path: path.to_owned(),
            in_admin: path.starts_with("/admin"),
        }
    }

    fn names(refused: &Refused) -> Vec<&'static str> {
        refused
            .answer()
            .headers
            .iter()
            .map(|(name, _)| *name)
            .collect()
    }

    #[test]
    fn json_errors_are_the_recorded_ones() {
        check(
            &Refused::Invalid("email must be an email".into()),
            400,
            r#"{"type":"invalid_data","message":"email must be an email"}"#,
        );
        check(
            &Refused::from_customer(Refusal::NotFound, "cus_nope", str::to_owned),
            404,
            r#"{"type":"not_found","message":"Customer with id: cus_nope was not found"}"#,
        );
        check(
            &Refused::GroupUnknown { id: "x".into() },
            404,
            r#"{"type":"not_found","message":"CustomerGroup with id x was not found"}"#,
        );
        for (group, message) in [
            (
                "cgrp_nope",
                "Customer_group with customer_group_id cgrp_nope does not exist.",
            ),
            ("no such id", "null"),
            ("", "null"),
        ] {
            let group = group.to_owned();
            let body = format!(r#"{{"type":"not_found","message":"{message}"}}"#);
            check(&Refused::JoinsUnknownGroup { group }, 404, &body);
        }
        check(
            &Refused::Unknown,
            500,
            r#"{"code":"unknown_error","type":"unknown_error","message":"An unknown error occurred."}"#,
        );
        check(
            &Refused::Conflict,
            409,
            r#"{"code":"invalid_state_error","type":"conflict","message":"The request conflicted with another request. You may retry the request with the provided Idempotency-Key."}"#,
        );
    }

    #[test]
    fn metadata_that_grew_too_long_is_named() {
        let refusal = Refusal::TooLong {
            field: "metadata",
            unit: Unit::Bytes,
            count: 1_048_577,
            limit: METADATA_BYTES_MAX,
        };
        let refused = Refused::from_group(refusal.into(), "cgrp_1");
        check(
            &refused,
            400,
            r#"{"type":"invalid_data","message":"metadata has 1048577 bytes, at most 1048576 are allowed"}"#,
        );
        assert_eq!(refused.fields(), ["metadata"]);
    }

    #[test]
    fn duplicates_are_the_recorded_ones() {
        let body = |message: &str| {
            format!(
                r#"{{"code":"invalid_request_error","type":"duplicate_error","message":"{message}"}}"#
            )
        };
        check(
            &Refused::email_exists(true),
            422,
            &body("A customer with the given email already has an account. Log in instead"),
        );
        check(
            &Refused::email_exists(false),
            422,
            &body("Guest customer with email already exists"),
        );
        let taken = Refused::EmailTaken {
            email: "g@x.com".into(),
            has_account: false,
        };
        let message = "Customer with email, has_account g@x.com, f already exists.";
        check(&taken, 422, &body(message));
        let twice = Refusal::GroupTwice {
            group: "01G".to_owned(),
        };
        check(
            &Refused::from_customer(twice, "cus_1", |stream| format!("cgrp_{stream}")),
            422,
            &body(
                "Customer_group_customers with customer_group_id, customer_id cgrp_01G, cus_1 \
                 already exists.",
            ),
        );
        let taken = Refused::EmailTaken {
            email: "a=b@x.com".into(),
            has_account: true,
        };
        let message = "Customer with email, has_account a b@x.com, t already exists.";
        check(&taken, 422, &body(message));
        let name = "vip (a=1)".to_owned();
        check(
            &Refused::GroupNameTaken { name: name.clone() },
            422,
            &body("Key (name)=(vip (a=1)) already exists."),
        );
        check(
            &Refused::GroupRenameTaken { name },
            422,
            &body("Customer_group with name vip a 1 already exists."),
        );
    }

    #[test]
    fn unknown_members_are_named_in_a_json_text() {
        let ids = vec!["cus_a".to_owned(), r#"say "b""#.to_owned()];
        check(
            &Refused::MembersUnknown { ids },
            404,
            r#"{"type":"not_found","message":"The following customer ids do not exist: \"cus_a, say \\\"b\\\"\""}"#,
        );
    }

    #[test]
    fn express_refuses_in_html() {
        let html = |text: &str| {
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>\
                 Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
            )
        };
        for (error, status, title) in [
            (BodyError::Malformed, 400, "Bad Request"),
            (BodyError::TooLarge, 413, "Payload Too Large"),
            (BodyError::Unsupported, 415, "Unsupported Media Type"),
        ] {
            check(&Refused::Body(error), status, &html(title));
        }
        for (path, shown) in [
            ("/admin/no-such-thing", "/admin/no-such-thing"),
            ("/%", "/%25"),
            ("/%41%4", "/%41%254"),
            ("/<a>'&\"", "/%3Ca%3E&#39;&amp;%22"),
            ("/[x]{y}^", "/[x]%7By%7D%5E"),
        ] {
            check(
                &no_route("GET", path),
                404,
                &html(&format!("Cannot GET {shown}")),
            );
        }
    }

    #[test]
    fn headers_tell_the_stage_and_the_kind() {
        let html = [
            "content-security-policy",
            "x-content-type-options",
            "content-type",
        ];
        let cross_origin = ["vary", "access-control-allow-credentials"];
        let expect = |parts: &[&[&'static str]]| [&["x-powered-by"], &parts.concat()[..]].concat();
        let body = Refused::Body(BodyError::Malformed);
        assert_eq!(names(&body), expect(&[&html]));
        assert_eq!(names(&no_route("GET", "/x")), expect(&[&html]));
        let in_admin = no_route("PUT", "/admin/customers/1");
        assert_eq!(names(&in_admin), expect(&[&cross_origin, &html]));
        assert_eq!(names(&Refused::Unauthorized), expect(&[&cross_origin]));
        let json = ["content-type", "etag"];
        assert_eq!(names(&Refused::Unknown), expect(&[&cross_origin, &json]));
    }
}

//! Every way in which SHOPLINE refuses a request: the status and the body, in one place.
//!
//! The body is `{"errors":"…"}` with one text. Where SHOPLINE documents a text it is used. The
//! others are ours: apps may match them, so a test freezes them. They name a member and a limit,
//! never a value of the request.
//! Source: SHOPLINE, HTTP status codes; error table of "update customer"; flow control.

use serde_json::json;
use thiserror::Error;

use super::json::{DEPTH_MAX, Unreadable};
use super::limits::{ADDRESS_ITEMS_MAX, BODY_BYTES_MAX, IDS_MAX};
use super::token::{Scope, Unauthorized};
use crate::domain::customer::Refusal;

/// A refusal of SHOPLINE's. Its text is the `errors` of the body.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    /// 400.
    #[error("Content-Type must be application/json")]
    ContentType,
    /// 400.
    #[error("The body is larger than {BODY_BYTES_MAX} bytes")]
    BodyTooLarge,
    /// 400.
    #[error("The body is not valid JSON: line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 1.
        column: usize,
    },
    /// 400.
    #[error("The body is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// 400.
    #[error("The body must be an object")]
    NotAnObject,
    /// 400: a member is of the wrong JSON type.
    #[error("{member} must be {expected}")]
    WrongType {
        /// The member.
        member: &'static str,
        /// The JSON type with its article.
        expected: &'static str,
    },
    /// 401.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// 403: the app was not granted this scope.
    #[error("This action requires {} scope", .0.name())]
    Scope(Scope),
    /// 404.
    #[error("The requested resource does not exist.")]
    UnknownRoute,
    /// 404.
    #[error("The requested API version does not exist.")]
    UnknownVersion,
    /// 406: SHOPLINE has one status for this and for data that does not exist.
    #[error("Accept must allow application/json")]
    Accept,
    /// 406, and not 404: the endpoints' own error table says so (`DATA_IS_NOT_EXIST`).
    #[error("The requested data does not exist.")]
    NoSuchData,
    /// 422: a member of the body or a parameter of the query is missing.
    #[error("{member} is required")]
    Required {
        /// The member.
        member: &'static str,
    },
    /// 422: a parameter of the query, or a member of the body that takes few values.
    #[error("{parameter} must be {expected}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// What it must be, with its article.
        expected: &'static str,
    },
    /// 422.
    #[error("{member} must not contain the character U+0000")]
    NulCharacter {
        /// The member.
        member: &'static str,
    },
    /// 422.
    #[error("email must be an e-mail address")]
    NotAnEmail,
    /// 422.
    #[error("birthday must be a date of the form yyyyMMdd")]
    NotADate,
    /// 422.
    #[error("gender must be 0, 1, 2 or 3")]
    NotAGender,
    /// 422.
    #[error("addresses must not list more than {ADDRESS_ITEMS_MAX} addresses")]
    TooManyAddresses,
    /// 422.
    #[error("{member} must not list more than {IDS_MAX} ids")]
    TooManyIds {
        /// The member or parameter.
        member: &'static str,
    },
    /// 422: the ledger refuses what the request makes of the customer.
    #[error("{}", refusal_text(.0))]
    Refusal(Refusal),
    /// 422: another customer of the store has the e-mail, in whatever case.
    #[error("email has already been taken")]
    EmailTaken,
    /// 422: another customer of the store has the phone, however it is punctuated.
    #[error("phone has already been taken")]
    PhoneTaken,
    /// 422: an `Idempotency-Key` came again with another request.
    #[error("Idempotency-Key was already used for another request")]
    IdempotencyKeyReused,
    /// 400: a header of the ledger's own cannot be taken.
    #[error("{0}")]
    Header(String),
    /// 429.
    #[error("Too many request")]
    TooManyRequests,
    /// 500.
    #[error("System error")]
    Internal,
    /// 503: the store is away, or others kept changing the customer first.
    #[error("Service temporarily unavailable, please try again")]
    Unavailable,
}

impl ApiError {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::ContentType
            | Self::Header(_)
            | Self::BodyTooLarge
            | Self::Syntax { .. }
            | Self::TooDeep
            | Self::NotAnObject
            | Self::WrongType { .. } => 400,
            Self::Unauthorized(_) => 401,
            Self::Scope(_) => 403,
            Self::UnknownRoute | Self::UnknownVersion => 404,
            Self::Accept | Self::NoSuchData => 406,
            Self::Required { .. }
            | Self::Parameter { .. }
            | Self::NulCharacter { .. }
            | Self::NotAnEmail
            | Self::NotADate
            | Self::NotAGender
            | Self::TooManyAddresses
            | Self::TooManyIds { .. }
            | Self::Refusal(_)
            | Self::EmailTaken
            | Self::PhoneTaken
            | Self::IdempotencyKeyReused => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// A short name of the kind of refusal, without values: for the ledger's own record of it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ContentType => "content_type",
            Self::Header(_) => "header",
            Self::BodyTooLarge => "body_too_large",
            Self::Syntax { .. } | Self::NotAnObject => "body_malformed",
            Self::TooDeep => "body_too_deep",
            Self::WrongType { .. } => "wrong_type",
            Self::Unauthorized(_) => "unauthorized",
            Self::Scope(_) => "scope",
            Self::UnknownRoute | Self::UnknownVersion => "no_route",
            Self::Accept => "accept",
            Self::NoSuchData => "customer_unknown",
            Self::Required { .. } => "required",
            Self::Parameter { .. }
            | Self::NulCharacter { .. }
            | Self::NotAnEmail
            | Self::NotADate
            | Self::NotAGender
            | Self::TooManyAddresses
            | Self::TooManyIds { .. } => "invalid",
            Self::Refusal(_) => "refused",
            Self::EmailTaken => "email_taken",
            Self::PhoneTaken => "phone_taken",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "unknown",
            Self::Unavailable => "unavailable",
        }
    }

    /// The fields that the refusal names, if any.
    pub fn fields(&self) -> Vec<String> {
        let field = match self {
            Self::WrongType { member, .. }
            | Self::NulCharacter { member }
            | Self::Required { member }
            | Self::TooManyIds { member } => member,
            Self::Refusal(Refusal::TooLong { field, .. }) => field,
            Self::Refusal(Refusal::AddressUnknown { .. }) => "addresses.id",
            Self::Refusal(Refusal::MarketingNeedsEmail) => "accepts_marketing",
            Self::Refusal(Refusal::MarketingNeedsPhone) => "sms_marketing_consent",
            Self::NotAnEmail | Self::EmailTaken | Self::Refusal(Refusal::InviteNeedsEmail) => {
                "email"
            }
            Self::PhoneTaken => "phone",
            Self::NotADate => "birthday",
            Self::NotAGender => "gender",
            Self::TooManyAddresses => "addresses",
            Self::Parameter { parameter, .. } => parameter,
            Self::Refusal(
                Refusal::NotFound
                | Refusal::EmailFixed
                | Refusal::EmailRequired
                | Refusal::ContactRequired
                | Refusal::NotInvitable
                | Refusal::GroupTwice { .. },
            )
            | Self::ContentType
            | Self::Header(_)
            | Self::BodyTooLarge
            | Self::Syntax { .. }
            | Self::TooDeep
            | Self::NotAnObject
            | Self::Unauthorized(_)
            | Self::Scope(_)
            | Self::UnknownRoute
            | Self::UnknownVersion
            | Self::Accept
            | Self::NoSuchData
            | Self::IdempotencyKeyReused
            | Self::TooManyRequests
            | Self::Internal
            | Self::Unavailable => return vec![],
        };
        vec![field.to_owned()]
    }

    /// The refusal of what a path names: there, an address that there is not is data that does not
    /// exist; in a body or a query it is a wrong value.
    #[must_use]
    pub(crate) fn of_path(self) -> Self {
        if matches!(self, Self::Refusal(Refusal::AddressUnknown { .. })) {
            Self::NoSuchData
        } else {
            self
        }
    }

    /// The body of the answer, of content type `application/json`.
    pub fn body(&self) -> String {
        json!({ "errors": self.to_string() }).to_string()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NoSuchData,
            Refusal::EmailFixed
            | Refusal::EmailRequired
            | Refusal::ContactRequired
            | Refusal::MarketingNeedsEmail
            | Refusal::MarketingNeedsPhone
            | Refusal::InviteNeedsEmail
            | Refusal::NotInvitable
            | Refusal::GroupTwice { .. }
            | Refusal::AddressUnknown { .. }
            | Refusal::TooLong { .. } => Self::Refusal(refusal),
        }
    }
}

/// The ledger's refusals in SHOPLINE's words. Those of rules and fields that SHOPLINE does not have
/// cannot come of its commands; they still read well.
fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotFound => ApiError::NoSuchData.to_string(),
        Refusal::EmailFixed => "email cannot be changed".to_owned(),
        Refusal::EmailRequired => "email is required".to_owned(),
        Refusal::ContactRequired => "email or phone is required".to_owned(),
        Refusal::MarketingNeedsEmail => "accepts_marketing requires an email".to_owned(),
        Refusal::MarketingNeedsPhone => "sms_marketing_consent requires a phone".to_owned(),
        Refusal::InviteNeedsEmail => "an invitation requires an email".to_owned(),
        Refusal::NotInvitable => "the customer is registered or disabled".to_owned(),
        Refusal::GroupTwice { .. } => "groups must not name a group twice".to_owned(),
        Refusal::AddressUnknown { .. } => {
            "addresses.id must be the id of an address of this customer".to_owned()
        }
        Refusal::TooLong { .. } => refusal.to_string(),
    }
}

impl From<Unreadable> for ApiError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Syntax { line, column } => Self::Syntax { line, column },
            Unreadable::TooDeep => Self::TooDeep,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Unit;

    /// Every status and text that an app can see. Changing one breaks apps that match it.
    const ANSWERS: &str = r#"
400 {"errors":"Content-Type must be application/json"}
400 {"errors":"The body is larger than 1048576 bytes"}
400 {"errors":"The body is not valid JSON: line 1, column 2"}
400 {"errors":"The body is nested deeper than 100 levels"}
400 {"errors":"The body must be an object"}
400 {"errors":"gender must be an integer"}
401 {"errors":"Unauthorized: an access token is required"}
401 {"errors":"Unauthorized: Authorization must be a Bearer token"}
401 {"errors":"Unauthorized: the access token is malformed"}
401 {"errors":"Unauthorized: the access token is invalid"}
401 {"errors":"Unauthorized: the access token has expired"}
401 {"errors":"Unauthorized: the access token is for another store"}
401 {"errors":"Unauthorized: the app is not installed in this store"}
401 {"errors":"Unauthorized: the access token was revoked"}
403 {"errors":"This action requires read_customers scope"}
403 {"errors":"This action requires write_customers scope"}
404 {"errors":"The requested resource does not exist."}
404 {"errors":"The requested API version does not exist."}
406 {"errors":"Accept must allow application/json"}
406 {"errors":"The requested data does not exist."}
422 {"errors":"customer is required"}
422 {"errors":"status must be open, cancelled or any"}
422 {"errors":"limit must be a number from 1 to 250"}
422 {"errors":"page_info must be one of a link of this list"}
422 {"errors":"note must not contain the character U+0000"}
422 {"errors":"email must be an e-mail address"}
422 {"errors":"birthday must be a date of the form yyyyMMdd"}
422 {"errors":"gender must be 0, 1, 2 or 3"}
422 {"errors":"addresses must not list more than 5000 addresses"}
422 {"errors":"ids must not list more than 250 ids"}
406 {"errors":"The requested data does not exist."}
422 {"errors":"email cannot be changed"}
422 {"errors":"email is required"}
422 {"errors":"email or phone is required"}
422 {"errors":"accepts_marketing requires an email"}
422 {"errors":"an invitation requires an email"}
422 {"errors":"the customer is registered or disabled"}
422 {"errors":"groups must not name a group twice"}
422 {"errors":"addresses.id must be the id of an address of this customer"}
422 {"errors":"email has 51 characters, at most 50 are allowed"}
422 {"errors":"tags has 101 items, at most 100 are allowed"}
422 {"errors":"tags[] has 101 characters, at most 100 are allowed"}
422 {"errors":"email has already been taken"}
422 {"errors":"phone has already been taken"}
422 {"errors":"Idempotency-Key was already used for another request"}
429 {"errors":"Too many request"}
500 {"errors":"System error"}
503 {"errors":"Service temporarily unavailable, please try again"}
"#;

    const fn parameter(parameter: &'static str, expected: &'static str) -> ApiError {
        ApiError::Parameter {
            parameter,
            expected,
        }
    }

    #[test]
    fn the_answers_are_frozen() {
        let too_long = |field, unit, limit| {
            ApiError::from(Refusal::TooLong {
                field,
                unit,
                count: limit + 1,
                limit,
            })
        };
        let answers = [
            ApiError::ContentType,
            ApiError::BodyTooLarge,
            ApiError::Syntax { line: 1, column: 2 },
            ApiError::TooDeep,
            ApiError::NotAnObject,
            ApiError::WrongType {
                member: "gender",
                expected: "an integer",
            },
            Unauthorized::Missing.into(),
            Unauthorized::Scheme.into(),
            Unauthorized::Malformed.into(),
            Unauthorized::Signature.into(),
            Unauthorized::Expired.into(),
            Unauthorized::OtherStore.into(),
            Unauthorized::NotInstalled.into(),
            Unauthorized::Revoked.into(),
            ApiError::Scope(Scope::ReadCustomers),
            ApiError::Scope(Scope::WriteCustomers),
            ApiError::UnknownRoute,
            ApiError::UnknownVersion,
            ApiError::Accept,
            ApiError::NoSuchData,
            ApiError::Required { member: "customer" },
            parameter("status", "open, cancelled or any"),
            parameter("limit", "a number from 1 to 250"),
            parameter("page_info", "one of a link of this list"),
            ApiError::NulCharacter { member: "note" },
            ApiError::NotAnEmail,
            ApiError::NotADate,
            ApiError::NotAGender,
            ApiError::TooManyAddresses,
            ApiError::TooManyIds { member: "ids" },
            Refusal::NotFound.into(),
            Refusal::EmailFixed.into(),
            Refusal::EmailRequired.into(),
            Refusal::ContactRequired.into(),
            Refusal::MarketingNeedsEmail.into(),
            Refusal::InviteNeedsEmail.into(),
            Refusal::NotInvitable.into(),
            Refusal::GroupTwice { group: "g".into() }.into(),
            Refusal::AddressUnknown {
                shopline_id: "a".into(),
            }
            .into(),
            too_long("email", Unit::Characters, 50),
            too_long("tags", Unit::Items, 100),
            too_long("tags[]", Unit::Characters, 100),
            ApiError::EmailTaken,
            ApiError::PhoneTaken,
            ApiError::IdempotencyKeyReused,
            ApiError::TooManyRequests,
            ApiError::Internal,
            ApiError::Unavailable,
        ];
        let seen: Vec<_> = answers
            .iter()
            .map(|refused| format!("{} {}", refused.status(), refused.body()))
            .collect();
        assert_eq!(seen.join("\n"), ANSWERS.trim());
    }
}

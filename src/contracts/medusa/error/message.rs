//! The words of each refusal.

use express::body::BodyError;
use serde_json::Value;

use super::ApiError;
use crate::contracts::medusa::violation;

impl ApiError {
    /// The words.
    pub fn message(&self) -> String {
        match self {
            Self::Body(error) => body_title(*error).to_owned(),
            Self::NoRoute { .. } => "Not Found".to_owned(),
            // Source: cases `auth-login-unknown-email`, `auth-get-bearer-unknown-user`.
            Self::Unauthorized | Self::LoginFailed => "Unauthorized".to_owned(),
            Self::LoginThrottled { .. } => "Too Many Requests".to_owned(),
            Self::UserUnknown => "Bad Request".to_owned(),
            Self::Invalid(violations) => violation::text(violations),
            // Source: case `update-registered-email`.
            Self::EmailFixed => {
                "Email cannot be changed when the user has registered their account".to_owned()
            }
            // Not a validation message: it is what PostgreSQL's refusal becomes.
            Self::NotNull { column, table } => {
                format!("Can't insert null value in field {column} on insert in table {table}")
            }
            Self::TooLong { message, .. } | Self::Past(message) | Self::Header(message) => {
                message.clone()
            }
            // Source: case `update-not-found`.
            Self::CustomerUnknown { id } => format!("Customer with id: {id} was not found"),
            // Source: case `cg-get-not-found`. No colon here.
            Self::GroupUnknown { id } => format!("CustomerGroup with id {id} was not found"),
            Self::JoinsUnknownGroup { group } => joins_unknown(group),
            Self::JoinsTwice { group, customer } => joins_twice(group, customer),
            // Source: case `create-duplicate-registered`.
            Self::AccountExists => {
                "A customer with the given email already has an account. Log in instead".to_owned()
            }
            // Source: case `create-duplicate-guest`.
            Self::GuestExists => "Guest customer with email already exists".to_owned(),
            Self::EmailTaken { email, has_account } => email_taken(email, *has_account),
            // Source: case `cg-create-duplicate`.
            Self::GroupNameTaken { name } => format!("Key (name)=({name}) already exists."),
            Self::GroupRenameTaken { name } => rename_taken(name),
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

/// Source: case `groups-duplicate-new`.
fn joins_twice(group: &str, customer: &str) -> String {
    format!(
        "Customer_group_customers with customer_group_id, customer_id {group}, {customer} already \
         exists."
    )
}

/// Source: case `race-email-swap`. PostgreSQL writes booleans short.
fn email_taken(email: &str, has_account: bool) -> String {
    let has_account = if has_account { 't' } else { 'f' };
    let key = format!("email, has_account={email}, {has_account}");
    format!("Customer with {} already exists.", unbraced(&key))
}

/// Source: case `cg-update-duplicate-name`. Not the text of create.
fn rename_taken(name: &str) -> String {
    let key = format!("name={name}");
    format!("Customer_group with {} already exists.", unbraced(&key))
}

/// Medusa makes a sentence of PostgreSQL's `Key (name)=(vip) already exists.` by taking out every
/// bracket and equals sign, also those of the value.
/// Source: `formatException` of Medusa 1.20.11, in its exception-formatter.
fn unbraced(key: &str) -> String {
    key.replace(['(', ')'], "").replace('=', " ")
}

pub(super) const fn body_title(error: BodyError) -> &'static str {
    match error {
        BodyError::Malformed => "Bad Request",
        BodyError::TooLarge => "Payload Too Large",
        BodyError::Unsupported => "Unsupported Media Type",
    }
}

//! Every way to be refused: its kind, its status and the fields it names.
//!
//! Its words are in [`message`], and the whole answer in [`answer`]. What has no recorded case was
//! seen on a running Medusa 1.20.11.

mod answer;
mod message;
mod page;

pub use self::answer::{Answer, JSON};
pub(crate) use self::answer::{CROSS_ORIGIN, POWERED_BY, TEXT};
use express::body::BodyError;

use super::violation::Violation;

/// Why Medusa refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
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
    /// No person has this e-mail and password.
    LoginFailed,
    /// Too many wrong passwords were tried. Medusa has no such limit: see docs/medusa.md.
    LoginThrottled {
        /// When it can be tried again.
        seconds: u64,
    },
    /// Who asks is proven, and not there any longer.
    UserUnknown,
    /// What was sent is not what the operation takes.
    Invalid(Vec<Violation>),
    /// The e-mail of a registered customer stays as it is.
    EmailFixed,
    /// A value that PostgreSQL needs is null.
    NotNull {
        /// The column.
        column: &'static str,
        /// Its table.
        table: &'static str,
    },
    /// The ledger's own limit is exceeded.
    TooLong {
        /// The member.
        field: &'static str,
        /// What is too long, and the limit.
        message: String,
    },
    /// The ledger's own `as_of` asks for what it cannot show: the message.
    Past(String),
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

impl ApiError {
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
            Self::Invalid(_)
            | Self::EmailFixed
            | Self::NotNull { .. }
            | Self::TooLong { .. }
            | Self::Past(_) => "invalid",
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
        let fields: Vec<&str> = match self {
            Self::Invalid(violations) => violations.iter().filter_map(Violation::field).collect(),
            Self::TooLong { field, .. } => vec![*field],
            Self::JoinsUnknownGroup { .. } | Self::JoinsTwice { .. } => vec!["groups"],
            Self::AccountExists | Self::GuestExists | Self::EmailTaken { .. } => vec!["email"],
            Self::GroupNameTaken { .. } | Self::GroupRenameTaken { .. } => vec!["name"],
            Self::MembersUnknown { .. } => vec!["customer_ids"],
            Self::Body(_)
            | Self::NoRoute { .. }
            | Self::Unauthorized
            | Self::LoginFailed
            | Self::LoginThrottled { .. }
            | Self::UserUnknown
            | Self::EmailFixed
            | Self::NotNull { .. }
            | Self::Past(_)
            | Self::CustomerUnknown { .. }
            | Self::GroupUnknown { .. }
            | Self::Header(_)
            | Self::KeyReused
            | Self::Conflict
            | Self::Unavailable
            | Self::Unknown => vec![],
        };
        fields.into_iter().map(ToOwned::to_owned).collect()
    }

    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Body(BodyError::Malformed)
            | Self::Invalid(_)
            | Self::EmailFixed
            | Self::NotNull { .. }
            | Self::TooLong { .. }
            | Self::Past(_)
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
}

/// What was read, or the text of what is wrong with it; any other refusal fails the test.
#[cfg(test)]
#[track_caller]
pub(super) fn text_of_invalid<T>(read: Result<T, ApiError>) -> Result<T, String> {
    read.map_err(|error| {
        assert!(matches!(error, ApiError::Invalid(_)), "{error:?}");
        error.message()
    })
}

#[cfg(test)]
mod tests;

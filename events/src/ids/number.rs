//! Where an event stands: in the ledger, and in its stream.

use std::borrow::Cow;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Declares a number that counts events from 1, without a gap.
macro_rules! ordinal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(i64);

        impl $name {
            /// Before the first event.
            pub const START: Self = Self(0);
            /// The first event.
            pub const FIRST: Self = Self(1);
            /// Beyond every event.
            pub const MAX: Self = Self(i64::MAX);

            /// The number as a type.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }

            /// The one before this.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0 - 1)
            }

            /// The one that stands so many events later, at most [`Self::MAX`].
            #[must_use]
            pub const fn plus(self, events: i64) -> Self {
                Self(self.0.saturating_add(events))
            }

            /// How many events there are after `earlier`, up to this one; negative if `earlier` is later.
            pub const fn since(self, earlier: Self) -> i64 {
                self.0 - earlier.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                i64::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                i64::json_schema(generator)
            }
        }
    };
}

ordinal! {
    /// Place of an event in the ledger's one total order, from 1, without a gap.
    ///
    /// A sequence is no position:
    ///
    /// ```compile_fail
    /// use events::ids::{Position, Sequence};
    /// let position: Position = Sequence::FIRST;
    /// ```
    Position
}

ordinal! {
    /// Place of an event in its stream, from 1, without a gap.
    Sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_before_the_first() {
        assert_eq!(Position::START.next(), Position::FIRST);
        assert_eq!(Position::FIRST.previous(), Position::START);
        assert_eq!(Position::new(7).plus(5), Position::new(12));
        assert_eq!(Position::new(7).plus(i64::MAX), Position::MAX);
        assert_eq!(Sequence::new(12).since(Sequence::new(7)), 5);
        assert_eq!(Sequence::new(7).since(Sequence::new(12)), -5);
    }

    #[test]
    fn is_written_as_its_number() {
        let position = Position::new(42);
        assert_eq!(position.to_string(), "42");
        assert_eq!("42".parse(), Ok(position));
        assert_eq!(format!("{position:019}"), "0000000000000000042");
        assert_eq!(serde_json::to_string(&position).unwrap(), "42");
        assert_eq!(serde_json::from_str::<Position>("42").unwrap(), position);
        assert_eq!(
            schemars::schema_for!(Vec<Position>),
            schemars::schema_for!(Vec<i64>)
        );
    }
}

//! What a body or a query has wrong, as data; its text is that of class-validator 0.14.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A property that the class does not declare. Its name is the caller's own text.
    NotDeclared(String),
    /// A declared property that breaks a rule.
    Broken {
        /// Its name.
        property: &'static str,
        /// The rule.
        rule: Broken,
    },
    /// Something that is no instance of a class.
    NoInstance,
}

/// The rule that a property breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is empty.
    Empty,
    /// It is no e-mail address.
    Email,
    /// It is no text.
    Text,
    /// It is no object.
    Object,
    /// It is no list.
    Array,
    /// It is no number.
    Number,
    /// It is no date.
    Date,
    /// It is, or lists, something that is no text.
    EachText,
    /// It is no object of a class.
    Nested,
    /// It lists something that is no object of a class.
    EachNested,
}

impl Violation {
    /// The property, if it is a declared one.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Broken { property, .. } => Some(property),
            Self::NotDeclared(_) | Self::NoInstance => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, rule) = match self {
            Self::NotDeclared(name) => return write!(f, "property {name} should not exist"),
            Self::NoInstance => {
                return f.write_str("an unknown value was passed to the validate function");
            }
            Self::Broken { property, rule } => (property, rule),
        };
        match rule {
            Broken::Empty => write!(f, "{name} should not be empty"),
            Broken::Email => write!(f, "{name} must be an email"),
            Broken::Text => write!(f, "{name} must be a string"),
            Broken::Object => write!(f, "{name} must be an object"),
            Broken::Array => write!(f, "{name} must be an array"),
            Broken::Number => write!(
                f,
                "{name} must be a number conforming to the specified constraints"
            ),
            Broken::Date => write!(f, "{name} must be a Date instance"),
            Broken::EachText => write!(f, "each value in {name} must be a string"),
            Broken::Nested => write!(f, "nested property {name} must be either object or array"),
            Broken::EachNested => write!(
                f,
                "each value in nested property {name} must be either object or array"
            ),
        }
    }
}

/// The text of several, as Medusa's `validator` joins them.
pub fn text(violations: &[Violation]) -> String {
    let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

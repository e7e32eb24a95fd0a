//! Where settings come from: the environment, and under it a file.

use std::collections::{BTreeMap, HashMap};
use std::env::VarError;
use std::error::Error as _;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command};

use super::SECTIONS;
use super::value::Expected;

/// The file of settings.
#[derive(Debug, Args)]
pub(super) struct FileConfig {
    /// A file of `NAME=value` lines; the environment wins.
    #[arg(id = "LEDGER_CONFIG", long, env)]
    path: Option<PathBuf>,
}

/// The settings as given, before a section reads them.
#[derive(Clone)]
pub struct Settings(HashMap<String, String>);

/// A setting that is missing or wrong. The message names it, never its value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the message of a variant is its documentation")]
pub enum ConfigError {
    /// It has to be given.
    #[error("{0} is not set")]
    Missing(String),
    /// It is not what it should be.
    #[error("{name} is not {expected}")]
    Wrong {
        /// The setting.
        name: String,
        /// What it should be.
        expected: &'static str,
    },
    #[error("the file that LEDGER_CONFIG names cannot be read")]
    File,
    #[error("line {0} of the file that LEDGER_CONFIG names is not NAME=value with a known name")]
    Line(usize),
}

impl ConfigError {
    fn wrong(name: &str, expected: &'static str) -> Self {
        Self::Wrong {
            name: name.to_owned(),
            expected,
        }
    }
}

impl Settings {
    /// The settings of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut environment = HashMap::new();
        for name in all().into_keys() {
            match std::env::var(&name) {
                Ok(value) => drop(environment.insert(name, value)),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => {
                    return Err(ConfigError::wrong(&name, "UTF-8 text"));
                }
            }
        }
        let FileConfig { path } = Self(environment.clone()).read()?;
        let file = match path {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|_unreadable| ConfigError::File)?,
        };
        Self::new(&file, environment)
    }

    /// Settings from a file's text and, over it, others.
    pub fn new(file: &str, over: HashMap<String, String>) -> Result<Self, ConfigError> {
        let known = all();
        let mut settings = HashMap::new();
        for (number, line) in (1..).zip(file.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(ConfigError::Line(number))?;
            if !known.contains_key(name) {
                return Err(ConfigError::Line(number));
            }
            settings.insert(name.to_owned(), value.to_owned());
        }
        settings.extend(over);
        Ok(Self(settings))
    }

    /// Reads a section. What other sections need is not looked at.
    ///
    /// Clap is given the values as arguments: it knows no file below the environment, and an empty
    /// variable would be a value to it. Here empty counts as not given, and takes no default either.
    pub fn read<Section: Args>(&self) -> Result<Section, ConfigError> {
        let command = section(Section::augment_args).mut_args(|arg| arg.env(Resettable::Reset));
        let given = command.get_arguments().filter_map(|arg| {
            let name = arg.get_id().as_str();
            let value = self.0.get(name)?;
            let is_given = !value.is_empty() || !arg.get_default_values().is_empty();
            is_given.then(|| format!("--{name}={value}"))
        });
        let given: Vec<String> = given.collect();
        let matches = command.try_get_matches_from(given);
        matches
            .and_then(|matches| Section::from_arg_matches(&matches))
            .map_err(|error| self.explain(&error))
    }

    /// Clap's error in a sentence without the value.
    fn explain(&self, error: &clap::Error) -> ConfigError {
        let name = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(argument)) => name_of(argument),
            Some(ContextValue::Strings(arguments)) => {
                arguments.first().map_or("", |it| name_of(it))
            }
            Some(_) | None => "",
        };
        let is_empty = self.0.get(name).is_none_or(String::is_empty);
        if error.kind() == ErrorKind::MissingRequiredArgument || is_empty {
            return ConfigError::Missing(name.to_owned());
        }
        let expected = error.source().and_then(|it| it.downcast_ref());
        ConfigError::wrong(name, expected.map_or("a value", |Expected(what)| what))
    }
}

/// The name in `--NAME <NAME>`, as clap writes an argument.
fn name_of(argument: &str) -> &str {
    let argument = argument.strip_prefix("--").unwrap_or(argument);
    argument.split([' ', '=']).next().unwrap_or_default()
}

fn section(augment: fn(Command) -> Command) -> Command {
    let command = Command::new("settings").no_binary_name(true);
    augment(command.disable_help_flag(true).disable_version_flag(true))
}

/// All settings by name, in the order of their names.
fn all() -> BTreeMap<String, Arg> {
    listed()
        .into_iter()
        .map(|arg| (arg.get_id().to_string(), arg))
        .collect()
}

/// All settings, in the order of the sections.
fn listed() -> Vec<Arg> {
    let mut listed: Vec<Arg> = vec![];
    for augment in SECTIONS {
        for arg in section(augment).get_arguments() {
            if listed.iter().all(|known| known.get_id() != arg.get_id()) {
                listed.push(arg.clone());
            }
        }
    }
    listed
}

/// The part of `--help` that lists the settings: names, what they are for and defaults, no values.
pub fn help() -> String {
    let mut help = String::from("Settings, from the environment or a file:\n");
    for arg in listed() {
        let name = arg.get_id();
        let what = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults = arg.get_default_values().iter();
        let default = defaults.fold(String::new(), |text, value| {
            format!("{text} [{}]", value.display())
        });
        writeln!(help, "  {name:<22} {what}{default}").expect("writing to a text never fails");
    }
    help
}

//! Everything that can be wrong with a configuration, in words that say where and what to do.

use std::fmt;

use super::Origin;

/// Why the server does not start: one or more problems with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The problems, in the order in which they were met. Never empty.
    pub problems: Vec<Problem>,
}

/// One problem with the settings. A message never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value that is not allowed.
    #[error("{origin}: {path} = {value}: {why}; allowed is {allowed}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// The setting.
        path: &'static str,
        /// What stands there, quoted, or a mask for a secret.
        value: String,
        /// What is wrong with it.
        why: String,
        /// What would be right.
        allowed: String,
    },
    /// A key of the file that is no setting.
    #[error("{file} line {line}: there is no setting {path}{}; docs/CONFIGURATION.md lists them all", hint(.nearest))]
    UnknownKey {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key.
        path: String,
        /// The setting that it looks like.
        nearest: Option<&'static str>,
    },
    /// The same key twice in the file.
    #[error(
        "{file} line {line}: {path} is set a second time, the first time was in line {first}: remove one"
    )]
    Twice {
        /// The file.
        file: String,
        /// The line of the second, from 1.
        line: usize,
        /// The key.
        path: String,
        /// The line of the first, from 1.
        first: usize,
    },
    /// A part of the file that has another shape than it should.
    #[error("{file} line {line}: {what}")]
    Shape {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What it is, and what it should be.
        what: String,
    },
    /// The file is not YAML.
    #[error("{file} line {line} column {column}: this is not valid YAML: {detail}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser says.
        detail: String,
    },
    /// The file cannot be read.
    #[error("the configuration file {file} cannot be read: {detail}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        detail: String,
    },
    /// A store that cannot be found without a setting that is missing.
    #[error("{origin}: Store.Driver = '{driver}' needs {path}, which is given nowhere")]
    StoreNeeds {
        /// Where the store was chosen.
        origin: Origin,
        /// The store.
        driver: String,
        /// What is missing.
        path: &'static str,
    },
    /// A store that this version does not have.
    #[error(
        "{origin}: Store.Driver = '{driver}': this version has no such store; set it to mysql, postgres, redis or sled, or leave it out"
    )]
    NoSuchStore {
        /// Where it stands.
        origin: Origin,
        /// The store.
        driver: String,
    },
    /// Two settings that contradict each other (behaviour 110).
    #[error(
        "TimeoutToFail should not be less than RetryInterval: TimeoutToFail is {timeout} ({timeout_origin}) and \
         RetryInterval is {interval} ({interval_origin})"
    )]
    TimeoutBelowInterval {
        /// Seconds.
        timeout: u32,
        /// Where they come from.
        timeout_origin: String,
        /// Seconds.
        interval: u32,
        /// Where they come from.
        interval_origin: String,
    },
}

impl ConfigError {
    /// Whether nothing but the command line is wrong.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| matches!(problem, Problem::BadValue { origin: Origin::Flag(_), .. }))
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|path| format!("; did you mean {path}?")).unwrap_or_default()
}

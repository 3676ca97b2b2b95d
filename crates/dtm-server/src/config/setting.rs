//! What a row of the table of settings is, and how a text becomes a value.

use std::fmt;

use super::Config;

/// One setting: where it is written, what it may be, what it does.
#[derive(Debug)]
pub struct Setting {
    /// The path in the YAML file, such as `Store.Driver`.
    pub path: &'static str,
    /// What it may be, and how it is applied.
    pub kind: Kind,
    /// The value when it is given nowhere. Empty: none.
    pub default: &'static str,
    /// One sentence about what it does.
    pub doc: &'static str,
    /// The name of its environment variable, where that is not made of the path.
    pub variable: Option<&'static str>,
    /// Its flag without the dashes, and the name of the flag's value.
    pub flag: Option<(&'static str, &'static str)>,
    /// Why it has no effect in this version.
    pub unused: Option<&'static str>,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// Whether `--help` shows it.
    pub common: bool,
    /// Whether it has no effect on the embedded store.
    pub of_databases: bool,
}

/// What a setting may be, and how it is applied.
#[derive(Debug)]
pub enum Kind {
    /// A whole number from `min` to `max`.
    Number {
        /// What is counted.
        unit: &'static str,
        /// The least allowed value.
        min: u32,
        /// The greatest allowed value.
        max: u32,
        /// Puts the value in its place.
        apply: fn(&mut Config, u32),
    },
    /// A port.
    Port {
        /// Puts the value in its place.
        apply: fn(&mut Config, u16),
    },
    /// On or off: `1`, `0`, `true` or `false`.
    Switch {
        /// Puts the value in its place.
        apply: fn(&mut Config, bool),
    },
    /// Any text.
    Words {
        /// Puts the value in its place.
        apply: fn(&mut Config, String),
    },
    /// A text of a certain form.
    Text {
        /// The form in words.
        allowed: &'static str,
        /// Puts the value in its place, or answers `None` when the text has another form.
        apply: fn(&mut Config, &str) -> Option<()>,
    },
}

/// Where a value comes from. Later ones win.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The configuration file.
    File {
        /// Its name as it was given.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag, with its dashes.
    Flag(String),
}

impl Setting {
    /// The name of the environment variable: the path in upper snake case (behaviour 109), but for few.
    #[must_use]
    pub fn environment_name(&self) -> String {
        if let Some(name) = self.variable {
            return name.to_owned();
        }
        let characters: Vec<char> = self.path.chars().collect();
        let mut name = String::with_capacity(self.path.len() + 8);
        for (index, &character) in characters.iter().enumerate() {
            let previous = index.checked_sub(1).and_then(|before| characters.get(before));
            let next = characters.get(index + 1);
            let starts_word = character.is_ascii_uppercase()
                && previous.is_some_and(|previous| {
                    previous.is_ascii_lowercase()
                        || (previous.is_ascii_uppercase() && next.is_some_and(char::is_ascii_lowercase))
                });
            if starts_word {
                name.push('_');
            }
            name.push(if character == '.' { '_' } else { character.to_ascii_uppercase() });
        }
        name
    }

    /// The allowed values in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match &self.kind {
            Kind::Number { unit, min, max, .. } => format!("a whole number of {unit} from {min} to {max}"),
            Kind::Port { .. } => format!("a port from 0 to {}; 0 means any free one", u16::MAX),
            Kind::Switch { .. } => "1 or true (on), 0 or false (off)".to_owned(),
            Kind::Words { .. } => "any text".to_owned(),
            Kind::Text { allowed, .. } => (*allowed).to_owned(),
        }
    }

    /// Puts the value that `text` stands for into `config`.
    ///
    /// # Errors
    /// Says why the text is not allowed; nothing was changed then.
    pub fn apply(&self, config: &mut Config, text: &str) -> Result<(), String> {
        match &self.kind {
            Kind::Number { min, max, apply, .. } => {
                let value = self.number(text, *min, *max)?;
                apply(config, value);
            }
            Kind::Port { apply } => {
                apply(config, text.parse().map_err(|_| "this is not a port".to_owned())?);
            }
            Kind::Switch { apply } => match text.to_ascii_lowercase().as_str() {
                "1" | "true" => apply(config, true),
                "0" | "false" => apply(config, false),
                _ => return Err("this is neither on nor off".to_owned()),
            },
            Kind::Words { apply } => apply(config, text.to_owned()),
            Kind::Text { apply, .. } => {
                apply(config, text).ok_or_else(|| "this is not such a value".to_owned())?;
            }
        }
        Ok(())
    }

    fn number(&self, text: &str, min: u32, max: u32) -> Result<u32, String> {
        let value: i128 = text.parse().map_err(|_| "this is not a whole number".to_owned())?;
        if value < i128::from(min) {
            return Err(format!("{} should not be less than {min}", self.path));
        }
        u32::try_from(value)
            .ok()
            .filter(|value| *value <= max)
            .ok_or_else(|| format!("{} should not be more than {max}", self.path))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{file} line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

//! A configuration from made-up sources.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::super::{ConfigError, Loaded, load, parse};

/// Sources that a test fills; nothing of the real environment gets in.
#[derive(Default)]
pub(super) struct Sources {
    file: Option<String>,
    environment: BTreeMap<String, String>,
    flags: Vec<String>,
}

impl Sources {
    pub(super) fn file(text: &str) -> Self {
        Self { file: Some(text.to_owned()), ..Self::default() }
    }

    pub(super) fn environment(name: &str, value: &str) -> Self {
        Self::default().and_environment(name, value)
    }

    pub(super) fn flags(flags: &[&str]) -> Self {
        Self::default().and_flags(flags)
    }

    pub(super) fn and_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn and_flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    pub(super) fn load(&self) -> Result<Loaded, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = vec![OsString::from("dtm-server")];
        if let Some(text) = &self.file {
            let path = folder.path().join("conf.yml");
            std::fs::write(&path, text).unwrap();
            arguments.extend(["-c".into(), path.into()]);
        }
        arguments.extend(self.flags.iter().map(OsString::from));
        load(&parse(arguments).unwrap(), &self.environment)
    }

    /// What is wrong, without the name of the temporary folder.
    pub(super) fn refusal(&self) -> String {
        let message = self.load().expect_err("the configuration is wrong").to_string();
        let shorten = |line: &str| match line.split_once("conf.yml") {
            Some((_, rest)) if self.file.is_some() => format!("conf.yml{rest}"),
            _ => line.to_owned(),
        };
        message.lines().map(shorten).collect::<Vec<_>>().join("\n")
    }
}

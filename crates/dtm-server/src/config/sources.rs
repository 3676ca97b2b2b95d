//! The only place that reads the environment and the configuration file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::Problem;

/// The longest configuration file in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where environment variables come from.
pub trait Environment {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<OsString>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// A made-up environment, for tests and for servers that are started as a library.
impl Environment for BTreeMap<String, String> {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.get(name).map(OsString::from)
    }
}

/// The text of the file.
///
/// # Errors
/// [`Problem::Unreadable`] when there is none, when it is too long, or when it is not UTF-8.
pub(super) fn file(path: &Path) -> Result<String, Problem> {
    let unreadable = |detail: String| Problem::Unreadable { file: path.display().to_string(), detail };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells "just fits" from "too long", also for a device that never ends.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}

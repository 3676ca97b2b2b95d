//! The servers that the scripts in `tests/services` start.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use parking_lot::Mutex;

/// How to reach one, by the names that its script prints.
pub type Service = BTreeMap<String, String>;

/// How to reach the server of that script: from the environment if it has `variable`, else from the script. `None`, after
/// saying so, when it does not run and nobody insists.
#[must_use]
pub fn running(name: &'static str, variable: &str) -> Option<Service> {
    static KNOWN: Mutex<BTreeMap<&str, Option<Service>>> = Mutex::new(BTreeMap::new());
    let known = KNOWN.lock().entry(name).or_insert_with(|| status(name, variable)).clone();
    known.or_else(|| skipped(name))
}

#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn status(name: &str, variable: &str) -> Option<Service> {
    if std::env::var_os(variable).is_some() {
        return Some(std::env::vars().collect());
    }
    let output = Command::new("bash").arg(script(name)).arg("status").output().ok()?;
    output.status.success().then(|| parse(&output))
}

/// The script that starts and stops a server.
pub(super) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/services").join(format!("{name}.sh"))
}

/// What a script has printed.
pub(super) fn parse(output: &Output) -> Service {
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Says that a test was left out; not through `eprintln!`, which the test harness keeps to itself.
#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn skipped(name: &str) -> Option<Service> {
    let start = format!("bash tests/services/{name}.sh start");
    assert!(std::env::var_os("CI").is_none(), "{name} does not run; start it: {start}");
    let message = format!("SKIPPED ({name} does not run; start it: {start})\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

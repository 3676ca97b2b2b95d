//! The import as a process.

use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::source::Source;
use crate::harness::{PATIENCE, Place, server_binary};

/// How one ended.
#[derive(Debug)]
pub(super) struct Imported {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Imported {
    /// The numbers of a line of the report: taken, already there, refused, finished.
    pub(super) fn line(&self, start: &str) -> Vec<u64> {
        let line = self.stdout.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no line '{start}': {self:?}"));
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
}

/// Imports into the store of that place. It does not look whether DTM runs.
pub(super) async fn import(source: &Source, place: &Place, more: &[&str]) -> Imported {
    finished(start(source, place, &[&["--watch", "0"], more].concat())).await
}

pub(super) fn start(source: &Source, place: &Place, more: &[&str]) -> Child {
    // The fixtures grow older.
    start_of_young(source, place, &[&["--stopped-long-ago"], more].concat())
}

/// From a source that is said to be young.
pub(super) fn start_of_young(source: &Source, place: &Place, more: &[&str]) -> Child {
    Command::new(server_binary())
        .arg("import")
        .args(source.arguments())
        .arg("--data")
        .arg(place.data())
        .args(more)
        .env_clear()
        .envs(place.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the import can be started")
}

pub(super) async fn finished(import: Child) -> Imported {
    let output = timeout(PATIENCE, import.wait_with_output()).await.expect("the import ends");
    let output = output.expect("a child can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    Imported { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

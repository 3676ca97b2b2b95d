//! Where the server binary is.

use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "dtm-server";

/// The given binary, or the one that cargo builds beside this program, with the same profile.
pub(crate) fn find(given: Option<&Path>) -> crate::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.canonicalize().map_err(|error| format!("--server {}: {error}", path.display()))?);
    }
    let own = std::env::current_exe()?;
    let beside = own.parent().ok_or("this program is in no folder")?.join(NAME);
    build()?;
    if beside.is_file() {
        return Ok(beside);
    }
    Err(format!("cargo built {NAME}, but not as {}: name it with --server PATH", beside.display()).into())
}

fn build() -> crate::Result {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--package", NAME, "--bin", NAME]);
    if cfg!(debug_assertions) {
        eprintln!("dtm-bench: this is a debug build, so the figures say nothing about a release build");
    } else {
        cargo.arg("--release");
    }
    let status = cargo
        .status()
        .map_err(|error| format!("cargo cannot be started ({error}): name the server with --server PATH"))?;
    if status.success() { Ok(()) } else { Err(format!("{NAME} does not build: {status}").into()) }
}

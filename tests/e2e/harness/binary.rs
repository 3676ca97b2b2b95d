//! Where the server binary is; builds it when it is not current.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The server binary of the profile that these tests were built with.
pub(crate) fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        // target/<profile>/deps/e2e-<hash>
        let tests = std::env::current_exe().expect("a process knows its executable");
        let profile = tests.parent().and_then(Path::parent).expect("tests are in target/<profile>/deps");
        let binary = profile.join(format!("dtm-server{}", std::env::consts::EXE_SUFFIX));
        if !is_current(&binary) {
            build(profile);
        }
        assert!(binary.exists(), "{} was not built", binary.display());
        binary
    })
}

fn is_current(binary: &Path) -> bool {
    let Ok(built) = fs::metadata(binary).and_then(|it| it.modified()) else { return false };
    newest_source(&workspace().join("crates")) <= built
}

/// The same build as `tests/run.sh` makes, so that nothing is built twice with other features.
fn build(profile: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace()).args(["build", "--workspace", "--bin", "dtm-server"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let target = profile.parent().expect("target/<profile> has a parent");
    // What cargo has told this test is not for the cargo that it starts: ring's build script looks at it, and would be run anew,
    // and all that is built on ring with it, each time.
    let told = std::env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| is_told_by_cargo(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    let built = cargo.arg("--target-dir").arg(target).status().expect("cargo can be run");
    assert!(built.success(), "dtm-server does not build");
}

fn is_told_by_cargo(name: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.starts_with(prefix))
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace")
}

fn newest_source(folder: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let of_entry = if path.is_dir() {
            newest_source(&path)
        } else if path.extension().is_some_and(|it| it == "rs" || it == "toml" || it == "proto") {
            entry.metadata().and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
        } else {
            continue;
        };
        newest = newest.max(of_entry);
    }
    newest
}

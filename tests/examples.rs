//! Every example runs, and ends with exit code 0; the tutorial goes as its page says.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

#[path = "tutorial.rs"]
mod tutorial;

/// Far longer than any example takes.
const TIME_MAX: Duration = Duration::from_secs(120);
/// The exit code of an example that lacks something and has said what.
const SKIPPED: i32 = 77;

/// The names in the manifest of the examples: one that is added is run.
fn names() -> Vec<String> {
    let manifest = workspace().join("examples/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("the examples have a manifest");
    let sections = manifest.split("[[example]]").skip(1);
    let name = |section: &str| section.split('"').nth(1).map(str::to_owned).expect("an example has a name");
    sections.map(name).collect()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace")
}

/// What `cargo build --workspace --examples` has made, in the profile of this test. Cargo knows whether it is current, and
/// then does nothing.
async fn built() -> PathBuf {
    // target/<profile>/deps/examples-<hash>
    let own = std::env::current_exe().expect("a process knows its executable");
    let profile = own.parent().and_then(Path::parent).expect("tests are in target/<profile>/deps");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace()).args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
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
    let built = cargo.arg("--target-dir").arg(target).status().await.expect("cargo can be run");
    assert!(built.success(), "the examples do not build");
    profile.join("examples")
}

fn is_told_by_cargo(name: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.starts_with(prefix))
}

async fn run(program: &Path) -> Output {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).kill_on_drop(true).current_dir(workspace());
    let ended = timeout(TIME_MAX, command.output()).await;
    ended
        .unwrap_or_else(|_| panic!("{} has not ended after {TIME_MAX:?}", program.display()))
        .expect("it can be run")
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "CI decides whether something may be missing")]
async fn every_example_runs_and_ends_well() {
    let is_ci = std::env::var_os("CI").is_some();
    let (folder, names) = (built().await, names());
    assert!(names.len() >= 5, "{names:?}");
    let mut failed = Vec::new();
    for name in names {
        let output = run(&folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))).await;
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(SKIPPED) if !is_ci => {
                let why = said
                    .lines()
                    .find(|line| line.contains("SKIPPED ("))
                    .unwrap_or("SKIPPED (it does not say why)");
                // not through eprintln!, which the test harness keeps to itself
                writeln!(std::io::stderr(), "example {name} ... {why}")
                    .expect("standard error can be written");
            }
            code => failed.push(format!("{name} ended with {code:?}:\n{said}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

//! Which crate may use which (design: the way of a request is visible in the folder names).

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::tree;

/// The edges between our crates. Whoever may use a crate may also use what that one uses.
const EDGES: &[(&str, &[&str])] = &[
    ("dtm-core", &[]),
    ("dtm-proto", &["dtm-core"]),
    ("dtm-store", &["dtm-core"]),
    ("dtm-store-sql", &["dtm-core", "dtm-store"]),
    ("dtm-store-redis", &["dtm-core", "dtm-store"]),
    ("dtm-store-sled", &["dtm-core", "dtm-store"]),
    ("dtm-import", &["dtm-core", "dtm-proto", "dtm-store"]),
    (
        "dtm-server",
        &[
            "dtm-barrier",
            "dtm-client",
            "dtm-core",
            "dtm-import",
            "dtm-proto",
            "dtm-store",
            "dtm-store-sql",
            "dtm-store-redis",
            "dtm-store-sled",
        ],
    ),
    ("dtm-barrier", &["dtm-core", "dtm-proto"]),
    ("dtm-client", &["dtm-core", "dtm-proto", "dtm-barrier"]),
    ("dtm-workflow", &["dtm-core", "dtm-proto", "dtm-barrier", "dtm-client"]),
    ("dtm-testkit", &["dtm-core", "dtm-store"]),
    ("dtm-bench", &["dtm-core", "dtm-proto", "dtm-client", "dtm-server"]),
    ("dtm-examples", &["dtm-barrier", "dtm-server"]),
    ("dtm-tutorial", &["dtm-barrier", "dtm-client"]),
    ("dtm-tests", &[]),
];

/// Packages whose development dependencies may be anything of ours: nothing is built on them.
const ENDS: &[&str] = &["dtm-examples", "dtm-tests"];

/// The dependencies of one package by kind, `normal` or `dev` or `build`.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn packages() -> BTreeMap<String, Dependencies> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("there are packages") {
        let mut dependencies = Dependencies::new();
        for dependency in package["dependencies"].as_array().expect("there is a list") {
            let kind = text(&dependency["kind"]).unwrap_or_else(|| "normal".to_owned());
            dependencies.entry(kind).or_default().insert(text(&dependency["name"]).expect("a name"));
        }
        packages.insert(text(&package["name"]).expect("a name"), dependencies);
    }
    packages
}

#[test]
fn our_crates_use_each_other_only_along_the_allowed_edges() {
    let packages = packages();
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, dependencies) in &packages {
        let Some(allowed) = edges.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table of edges"));
            continue;
        };
        for (kind, used) in dependencies {
            for used in used.iter().filter(|used| packages.contains_key(*used)) {
                let for_tests = kind == "dev" && (used == "dtm-testkit" || ENDS.contains(&name.as_str()));
                if !allowed.contains(&used.as_str()) && !for_tests {
                    wrong.push(format!("{name} must not use {used} ({kind})"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_depends_on_nothing_that_could_do_anything() {
    let packages = packages();
    let normal = &packages["dtm-core"]["normal"];
    let allowed = BTreeSet::from(["serde".to_owned(), "thiserror".to_owned()]);
    assert!(normal.is_subset(&allowed), "dtm-core may use serde and thiserror only: {normal:?}");
    assert!(!packages["dtm-core"].contains_key("build"), "dtm-core has no build script");
}

#[test]
fn everything_comes_from_the_public_registry() {
    let lock = std::fs::read_to_string(tree::root().join("Cargo.lock")).expect("there is a lock file");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let strange: Vec<&str> =
        lock.lines().filter(|line| line.starts_with("source = ") && *line != public).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    assert!(lock.contains(public));
}

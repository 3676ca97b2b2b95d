//! Code on the pages of the book: whatever a reader copies is compiled, and is what is in the files.

use std::collections::BTreeSet;

use super::tree;

fn read(path: &str) -> String {
    std::fs::read_to_string(tree::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pages() -> Vec<tree::File> {
    let is_page = |path: &str| path == "README.md" || path.starts_with("docs/");
    tree::with_extension("md").into_iter().filter(|file| is_page(&file.path)).collect()
}

/// What stands behind the opening fences of a page.
fn languages(text: &str) -> Vec<&str> {
    let mut is_open = false;
    let mut found = Vec::new();
    for fence in text.lines().filter_map(|line| line.trim_start().strip_prefix("```")) {
        if !is_open {
            found.push(fence.trim());
        }
        is_open = !is_open;
    }
    found
}

/// The blocks of one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_page_with_rust_on_it_is_compiled() {
    let compiled = read("tests/lib.rs");
    let mut wrong = Vec::new();
    for page in pages() {
        let rust = languages(&page.text).into_iter().filter(|language| language.starts_with("rust"));
        let mut has_rust = false;
        for language in rust {
            has_rust = true;
            if !["rust", "rust,no_run", "rust,compile_fail"].contains(&language) {
                wrong.push(format!("{}: a block of {language} may not be compiled", page.path));
            }
        }
        if has_rust && !compiled.contains(&format!("\"../{}\"", page.path)) {
            wrong.push(format!("{}: add it to tests/lib.rs", page.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_block_says_what_it_is() {
    // rustdoc would take one that does not for Rust
    let nameless: Vec<String> = pages()
        .into_iter()
        .filter(|page| languages(&page.text).contains(&""))
        .map(|page| format!("{}: say ```text", page.path))
        .collect();
    assert!(nameless.is_empty(), "{nameless:#?}");
}

#[test]
fn the_tutorial_shows_the_files_that_are_compiled_and_played() {
    let page = read("docs/tutorial.md");
    for file in ["src/lib.rs", "src/bin/bank.rs", "src/bin/send.rs"] {
        let text = read(&format!("examples/tutorial/{file}"));
        assert!(page.contains(&format!("\n{text}```\n")), "docs/tutorial.md does not show {file} as it is");
    }
}

#[test]
fn the_tutorial_asks_for_the_crates_and_features_that_its_files_are_compiled_with() {
    let page = read("docs/tutorial.md");
    let shown = blocks(&page, "toml").concat();
    let manifest = read("examples/tutorial/Cargo.toml");
    let (_, rest) = manifest.split_once("[dependencies]\n").expect("there are dependencies");
    let compiled = rest.split("\n[").next().expect("there is a section");
    let names = |text: &str| -> BTreeSet<String> {
        let name = |line: &str| line.split(['.', ' ']).next().map(str::to_owned);
        text.lines().filter(|line| line.contains('=')).filter_map(name).collect()
    };
    assert_eq!(names(&shown), names(compiled));
    let features = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("").to_owned();
        line.split_once("features = ").map(|(_, features)| features.to_owned())
    };
    for name in ["dtm-barrier", "dtm-client"] {
        assert_eq!(features(&shown, name), features(compiled, name), "{name}");
    }
}

#[test]
fn every_verb_of_the_api_that_a_page_calls_is_served() {
    let routes = read("crates/dtm-server/src/ingress/http/routes.rs");
    let mut unknown = Vec::new();
    for page in pages() {
        for rest in page.text.split("/api/dtmsvr/").skip(1) {
            let verb = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
            if !routes.contains(&format!("\"/{verb}")) {
                unknown.push(format!("{}: {verb}", page.path));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_setting_with_a_dot_that_a_page_names_exists() {
    let settings = read("docs/CONFIGURATION.md");
    let sections = ["Store.", "Log.", "Discovery.", "MicroService.", "HttpMicroService."];
    let mut unknown = Vec::new();
    for page in pages().iter().filter(|page| !page.path.ends_with("CONFIGURATION.md")) {
        for code in page.text.split('`').skip(1).step_by(2) {
            let name = code.split([':', ' ', '=']).next().unwrap_or("");
            let is_setting = sections.iter().any(|section| name.starts_with(section));
            if is_setting && !settings.contains(&format!("`{name}`")) {
                unknown.push(format!("{}: {name}", page.path));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_block_of_json_can_be_read() {
    for page in pages() {
        for block in blocks(&page.text, "json") {
            let read = serde_json::from_str::<serde_json::Value>(block);
            assert!(read.is_ok(), "{}: {read:?}", page.path);
        }
    }
}

#[test]
fn every_metric_that_the_operations_page_names_is_there() {
    let page = read("docs/operations.md");
    let sources = tree::with_extension("rs");
    let metrics: String = sources
        .iter()
        .filter(|file| file.path.starts_with("crates/dtm-server/src/metrics/"))
        .map(|file| file.text.as_str())
        .collect();
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("dtm_")).collect();
    assert!(named.len() > 10, "{named:?}");
    let is_there = |name: &str| metrics.contains(&format!("\"{}\"", name.trim_end_matches("_total")));
    let unknown: Vec<&str> = named.into_iter().filter(|name| !is_there(name)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_check_of_blocks_sees_blocks() {
    let text = "```rust\nfn a() {}\n```\ntext\n  ```\n  x\n  ```\n```toml\na = 1\n```\n";
    assert_eq!(languages(text), ["rust", "", "toml"]);
    assert_eq!(blocks(text, "toml"), ["a = 1\n"]);
}

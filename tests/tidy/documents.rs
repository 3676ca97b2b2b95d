//! Documents that are current.

use std::path::Path;

use super::tree;

/// Folders at the top; a path that starts with one of them is a path of ours.
const FOLDERS: &[&str] = &["crates/", "docs/", "examples/", "proto/", "tests/", ".ci/"];

fn documents() -> Vec<tree::File> {
    let is_document =
        |path: &str| matches!(path, "README.md" | "examples/README.md") || path.starts_with("docs/");
    tree::with_extension("md").into_iter().filter(|file| is_document(&file.path)).collect()
}

#[test]
fn every_path_that_a_document_mentions_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        for path in mentioned(&document.text) {
            if !tree::root().join(&path).exists() {
                missing.push(format!("{} mentions {path}", document.path));
            }
        }
        for link in links(&document.text) {
            if !tree::root().join(folder).join(&link).exists() {
                missing.push(format!("{} links to {link}", document.path));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_page_of_the_book_stands_in_its_summary() {
    let summary = std::fs::read_to_string(tree::root().join("docs/SUMMARY.md")).expect("there is a summary");
    let listed = links(&summary);
    let pages = documents().into_iter().filter_map(|page| Some(page.path.strip_prefix("docs/")?.to_owned()));
    let lost: Vec<String> = pages.filter(|page| page != "SUMMARY.md" && !listed.contains(page)).collect();
    assert!(lost.is_empty(), "nobody who reads the book finds {lost:#?}");
}

#[test]
fn every_example_stands_in_their_table() {
    let text = |path: &str| std::fs::read_to_string(tree::root().join(path)).expect("the examples are there");
    let listed = links(&text("examples/README.md"));
    let manifest = text("examples/Cargo.toml");
    let files =
        manifest.split("[[example]]").skip(1).filter_map(|it| it.split('"').nth(3).map(str::to_owned));
    let files: Vec<String> = files.collect();
    assert!(files.len() > 5, "{files:?}");
    let lost: Vec<&String> = files.iter().filter(|file| !listed.contains(file)).collect();
    assert!(lost.is_empty(), "nobody who looks for an example finds {lost:#?}");
}

#[test]
fn every_error_of_the_rust_crates_has_a_page_of_its_own() {
    let mut expected = vec!["README.md".to_owned()];
    for (name, source) in [
        ("client", "crates/dtm-client/src/error.rs"),
        ("barrier", "crates/dtm-barrier/src/error.rs"),
        ("workflow", "crates/dtm-workflow/src/error.rs"),
    ] {
        let source = std::fs::read_to_string(tree::root().join(source)).expect("the errors are there");
        let variants = variants(&source);
        assert!(variants.len() > 5, "{name}: {variants:?}");
        expected.extend(variants.iter().map(|variant| format!("{name}-{}.md", with_hyphens(variant))));
    }
    let pages =
        documents().into_iter().filter_map(|page| Some(page.path.strip_prefix("docs/errors/")?.to_owned()));
    let mut pages: Vec<String> = pages.collect();
    pages.sort();
    expected.sort();
    assert_eq!(pages, expected);
}

/// The variants of the first public enum.
fn variants(source: &str) -> Vec<&str> {
    let body = source.lines().skip_while(|line| !line.starts_with("pub enum ")).skip(1);
    body.take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .filter_map(|line| line.split(|c: char| !c.is_alphanumeric()).next())
        .collect()
}

fn with_hyphens(variant: &str) -> String {
    let mut text = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[test]
fn the_check_of_error_pages_sees_variants() {
    let source = "pub enum Error {\n    /// x\n    #[error(\"y\")]\n    NoAnswer {\n        Field: u8,\n    },\n    \
                  Kept,\n    Server(#[from] Z),\n}\npub enum Other {\n    Not,\n}\n";
    assert_eq!(variants(source), ["NoAnswer", "Kept", "Server"]);
    assert_eq!(with_hyphens("NotASecondPhase"), "not-a-second-phase");
}

/// Paths from the root, wherever they stand. Patterns such as `crates/*/src` are no paths.
fn mentioned(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || "`()[]\"'|,;<>".contains(c))
        .map(|word| word.trim_end_matches(['.', ':', '!', '?']))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['*', '{', '}', '$', '…']) && !word.contains("..."))
        .map(|word| word.split([':', '#']).next().unwrap_or(word).to_owned())
        .collect()
}

/// Targets of links, without those to elsewhere.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target).to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn the_check_of_paths_sees_paths() {
    let text =
        "See `crates/dtm-core/src/lib.rs:12`, docs/a.md. [x](b.md#c) [y](https://z/docs/q.md) crates/*/src";
    assert_eq!(mentioned(text), ["crates/dtm-core/src/lib.rs", "docs/a.md"]);
    assert_eq!(links(text), ["b.md"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the document anew")]
fn the_reference_of_the_settings_is_current() {
    let path = tree::root().join("docs/CONFIGURATION.md");
    let current = dtm_server::config::document();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &current).expect("the document can be written");
    }
    let written = std::fs::read_to_string(&path).expect("there is a reference");
    assert!(written == current, "run: BLESS=1 cargo test -p dtm-tests --test tidy");
}

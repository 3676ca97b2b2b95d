//! The longest files and functions: to look at, not a fence.

use std::io::Write;

use super::tree;

const SHOWN: usize = 8;

#[test]
fn the_longest_files_and_functions_are_reported() {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for file in tree::with_extension("rs").iter().filter(|file| !file.is_generated()) {
        files.push((file.text.lines().count(), file.path.clone()));
        functions.extend(
            lengths(&file.text).into_iter().map(|(length, name)| (length, format!("{} {name}", file.path))),
        );
    }
    assert!(!functions.is_empty(), "the sources have functions");
    // Straight to standard error, because the harness hides what a passing test prints.
    let mut out = std::io::stderr().lock();
    for (title, mut entries) in [("files", files), ("functions", functions)] {
        entries.sort();
        writeln!(out, "longest {title} (lines):").expect("standard error is open");
        for (length, name) in entries.iter().rev().take(SHOWN) {
            writeln!(out, "  {length:>5}  {name}").expect("standard error is open");
        }
    }
}

/// Names of functions with their lengths: from the line with `fn` to the brace in the same column.
fn lengths(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        let closing = format!("{}}}", " ".repeat(indent));
        if line.trim_end().ends_with(['}', ';']) {
            continue;
        }
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((length + 1, name.to_owned()));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let before = line.split_once("fn ")?;
    let words = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe"];
    if !before.0.split_whitespace().all(|word| words.contains(&word)) {
        return None;
    }
    before.1.split(['(', '<']).next()
}

#[test]
fn a_function_is_measured_from_its_head_to_its_brace() {
    let text = "impl X {\n    pub async fn long(&self) {\n        f();\n    }\n\n    fn short() {}\n}\nfn a() -> u8\n{\n    1\n}\n";
    assert_eq!(lengths(text), [(3, "long".to_owned()), (4, "a".to_owned())]);
}

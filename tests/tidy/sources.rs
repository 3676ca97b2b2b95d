//! The shape of the sources.

use super::tree;

/// Collects what `find` says about each line of each file, as `path:line: what`.
fn findings(files: &[tree::File], find: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(what) = find(line) {
                findings.push(format!("{}:{}: {what}", file.path, index + 1));
            }
        }
    }
    findings
}

fn written_by_hand() -> Vec<tree::File> {
    tree::with_extension("rs").into_iter().filter(|file| !file.is_generated()).collect()
}

#[test]
fn no_lint_is_silenced_without_a_check_that_it_is_still_needed() {
    let found = findings(&written_by_hand(), |line| {
        let line = line.trim_start();
        let silenced = line.starts_with("#[allow(") || line.starts_with("#![allow(");
        silenced.then_some("use #[expect(lint, reason = \"...\")]")
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn sql_is_never_built_from_values() {
    let starts = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE "];
    let found = findings(&written_by_hand(), |line| {
        let (_, text) = line.split_once("format!(\"")?;
        let statement = starts.iter().any(|start| text.to_ascii_uppercase().starts_with(start));
        statement.then_some("use bind parameters")
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    // In two halves, so that this file does not name them either.
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let found = findings(&tree::files(), |line| {
        places.iter().any(|place| line.contains(place)).then_some("a path of one machine")
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_redirects_the_registry() {
    let tables = [concat!("[sou", "rce."), concat!("[regis", "tries"), concat!("regis", "try = ")];
    let manifests: Vec<_> = tree::files()
        .into_iter()
        .filter(|file| file.path.ends_with(".toml") || file.path.contains(".cargo/"))
        .collect();
    let found = findings(&manifests, |line| {
        tables.iter().any(|table| line.trim_start().starts_with(table)).then_some("a registry of one place")
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_mod_file_only_declares_and_re_exports() {
    let mut found = Vec::new();
    for file in
        tree::with_extension("rs").iter().filter(|file| file.name() == "mod.rs" && !file.is_generated())
    {
        found.extend(strange_items(&file.text).into_iter().map(|item| format!("{}: {item}", file.path)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The items of a `mod.rs` that are neither `mod` nor a re-export.
fn strange_items(text: &str) -> Vec<String> {
    let code: String =
        text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join(" ");
    code.split(';')
        .map(|item| without_attributes(item).to_owned())
        .filter(|item| !item.is_empty())
        .filter(|item| {
            let visibility = ["pub(crate) ", "pub(super) ", "pub "];
            let bare = visibility.iter().find_map(|prefix| item.strip_prefix(prefix));
            let re_export = bare.is_some_and(|rest| rest.starts_with("use "));
            let module = bare.unwrap_or(item).strip_prefix("mod ").is_some_and(|rest| !rest.contains('{'));
            !re_export && !module
        })
        .collect()
}

fn without_attributes(item: &str) -> &str {
    let mut item = item.trim();
    while item.starts_with("#[") {
        let Some(end) = item.find(']') else { break };
        item = item[end + 1..].trim_start();
    }
    item
}

#[test]
fn the_check_of_mod_files_sees_what_does_not_belong() {
    let clean = "//! What.\n\nmod a;\n#[cfg(test)]\nmod tests;\npub mod b;\npub use a::{\n    X, Y,\n};\n";
    assert!(strange_items(clean).is_empty());
    for strange in ["use a::X;", "fn f() {}", "pub struct X;", "mod a { fn f() {} }", "const X: u8 = 1;"] {
        assert_eq!(strange_items(&format!("{clean}{strange}\n")).len(), 1, "{strange}");
    }
}

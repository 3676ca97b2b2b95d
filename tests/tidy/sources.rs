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
    // In a macro the lint may fire for one caller and not for another: only there `expect` does not do.
    let (macros, others): (Vec<_>, Vec<_>) =
        written_by_hand().into_iter().partition(|file| file.text.contains("macro_rules!"));
    let silences = |line: &str| {
        let line = line.trim_start();
        line.starts_with("#[allow(") || line.starts_with("#![allow(")
    };
    let mut found =
        findings(&others, |line| silences(line).then_some("use #[expect(lint, reason = \"...\")]"));
    found.extend(findings(&macros, |line| {
        (silences(line) && !line.contains("reason = ")).then_some("say why, with reason = \"...\"")
    }));
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
fn every_source_file_belongs_to_a_crate() {
    // No compiler looks at a file that no `mod` names.
    let files = tree::with_extension("rs");
    let in_crates = files.iter().filter(|file| file.path.contains("/src/") && !file.is_generated());
    let lost: Vec<_> = in_crates
        .filter(|file| {
            parents(&file.path).is_some_and(|(name, parents)| !is_declared(&files, name, &parents))
        })
        .map(|file| format!("{}: no file says `mod` of it", file.path))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

/// The name of the module in a file, and the files that may declare it; `None` for the root of a crate.
fn parents(path: &str) -> Option<(&str, Vec<String>)> {
    let (folder, name) = path.strip_suffix(".rs")?.rsplit_once('/')?;
    let is_root = folder.ends_with("/src") && matches!(name, "lib" | "main");
    if is_root || folder.ends_with("/bin") {
        return None;
    }
    let (folder, name) = if name == "mod" { folder.rsplit_once('/')? } else { (folder, name) };
    let beside = format!("{folder}.rs");
    Some((
        name,
        ["mod.rs", "lib.rs", "main.rs"]
            .map(|it| format!("{folder}/{it}"))
            .into_iter()
            .chain([beside])
            .collect(),
    ))
}

fn is_declared(files: &[tree::File], name: &str, parents: &[String]) -> bool {
    let declares = |line: &str| {
        line.trim().strip_suffix(';').is_some_and(|it| {
            it.rsplit_once("mod ").is_some_and(|(before, declared)| {
                declared == name && matches!(before, "" | "pub " | "pub(crate) " | "pub(super) ")
            })
        })
    };
    files.iter().filter(|file| parents.contains(&file.path)).any(|file| file.text.lines().any(declares))
}

#[test]
fn the_check_of_lost_files_sees_them() {
    let file = |path: &str, text: &str| tree::File { path: path.to_owned(), text: text.to_owned() };
    let files = [file("a/src/lib.rs", "mod one;\npub mod two;\n"), file("a/src/two/mod.rs", "mod three;\n")];
    let is_lost = |path| parents(path).is_some_and(|(name, parents)| !is_declared(&files, name, &parents));
    for path in ["a/src/lib.rs", "a/src/one.rs", "a/src/two/mod.rs", "a/src/two/three.rs"] {
        assert!(!is_lost(path), "{path}");
    }
    for path in ["a/src/three.rs", "a/src/two/one.rs", "a/src/four/mod.rs", "b/src/one.rs"] {
        assert!(is_lost(path), "{path}");
    }
}

#[test]
fn a_mod_file_only_declares_and_re_exports() {
    let mut found = Vec::new();
    // In a folder of integration tests, a `mod.rs` is how a helper avoids being a test target of its own.
    let is_module = |file: &&tree::File| file.name() == "mod.rs" && file.path.contains("/src/");
    for file in written_by_hand().iter().filter(is_module) {
        found.extend(strange_items(&file.text).into_iter().map(|item| format!("{}: {item}", file.path)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The items of a `mod.rs` that are neither `mod` nor a re-export.
fn strange_items(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    without_attributes(&code.join(" "))
        .split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .filter(|item| {
            let visibility = ["pub(crate) ", "pub(super) ", "pub "];
            let bare = visibility.iter().find_map(|prefix| item.strip_prefix(prefix));
            let re_export = bare.is_some_and(|rest| rest.starts_with("use "));
            let module = bare.unwrap_or(item).strip_prefix("mod ").is_some_and(|rest| !rest.contains('{'));
            !re_export && !module
        })
        .map(|item| item.chars().take(80).collect())
        .collect()
}

/// The code without `#[...]` and `#![...]`, whatever their texts contain.
fn without_attributes(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(start) = rest.find("#[").into_iter().chain(rest.find("#![")).min() {
        kept.push_str(&rest[..start]);
        let (mut depth, mut in_text, mut end) = (0, false, rest.len());
        for (index, character) in rest[start..].char_indices() {
            match character {
                '"' => in_text = !in_text,
                '[' if !in_text => depth += 1,
                ']' if !in_text => depth -= 1,
                _ => continue,
            }
            if depth == 0 && character == ']' {
                end = start + index + 1;
                break;
            }
        }
        rest = &rest[end..];
    }
    kept + rest
}

#[test]
fn the_check_of_mod_files_sees_what_does_not_belong() {
    let clean = "//! What.\n\n#![expect(x, reason = \"[a; b\")]\nmod a;\n#[cfg(test)]\nmod tests;\npub mod b;\npub use a::{\n    X, Y,\n};\n";
    assert!(strange_items(clean).is_empty());
    for strange in ["use a::X;", "fn f() {}", "pub struct X;", "mod a { fn f() {} }", "const X: u8 = 1;"] {
        assert_eq!(strange_items(&format!("{clean}{strange}\n")).len(), 1, "{strange}");
    }
}

/// Public enums that are complete on purpose (decision 20).
const COMPLETE: &[&str] = &["BranchError", "Called", "End", "Entry", "OwnRow", "Verdict"];

#[test]
fn a_public_enum_may_grow_or_is_complete_on_purpose() {
    let folders = ["dtm-barrier/src/", "dtm-client/src/", "dtm-workflow/src/", "dtm-server/src/embedded/"];
    let mut found = Vec::new();
    for file in written_by_hand().iter().filter(|file| folders.iter().any(|it| file.path.contains(it))) {
        found.extend(complete_enums(&file.text).into_iter().map(str::to_owned));
    }
    found.sort();
    assert_eq!(found, COMPLETE);
}

/// The public enums without `#[non_exhaustive]`.
fn complete_enums(text: &str) -> Vec<&str> {
    let mut may_grow = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("pub enum ") {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(rest);
            found.extend((!may_grow).then_some(name));
        }
        may_grow = line == "#[non_exhaustive]" || may_grow && line.starts_with('#');
    }
    found
}

#[test]
fn the_check_of_enums_sees_what_may_grow() {
    let text = "#[non_exhaustive]\n#[error(x)]\npub enum A {\n}\npub enum B<T> {\n}\n#[derive(X)]\npub enum C {\n}\n";
    assert_eq!(complete_enums(text), ["B", "C"]);
}

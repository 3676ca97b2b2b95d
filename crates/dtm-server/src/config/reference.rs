//! `docs/CONFIGURATION.md` and `--print-config`, both from the table of settings.

use std::fmt::Write;

use super::{GROUPS, Loaded, Setting, settings};

const HEAD: &str = "\
# Configuration

<!-- Generated from the table of settings in crates/dtm-server/src/config/settings.rs; a test compares.
     To write it anew: BLESS=1 cargo test -p dtm-tests --test tidy -->

The server starts without any configuration. Settings come from, in this order, later ones winning:

1. the defaults below,
2. the YAML file given by `--config FILE`; `Store.Driver` means the key `Driver` in the mapping `Store`,
3. environment variables; the name is the path in upper snake case; an empty variable counts as absent,
4. flags.

A key of the file that is no setting, and a value that is not allowed, stop the start with a message that names the
place. All keys of DTM 1.19 are accepted; the last section lists those that have no effect in this version.

`dtm-server --check-config` says whether everything is right; `dtm-server --print-config` shows every value and where it
comes from, without secrets.
";

/// The text of `docs/CONFIGURATION.md`.
#[must_use]
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for group in GROUPS {
        let used = || group.settings.iter().filter(|setting| setting.unused.is_none());
        if used().next().is_none() {
            continue;
        }
        section(&mut text, group.title, "default | allowed | what it does");
        for setting in used() {
            let default =
                if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
            let flag = setting.flag.map(|(name, _)| format!(" Flag `--{name}`.")).unwrap_or_default();
            row(
                &mut text,
                setting,
                &format!("{default} | {} | {}{flag}", cell(&setting.allowed()), setting.doc),
            );
        }
    }
    section(&mut text, "Accepted without effect", "what it is | why it has no effect");
    for setting in settings::all() {
        if let Some(why) = setting.unused {
            row(&mut text, setting, &format!("{} | {why}", setting.doc));
        }
    }
    text
}

/// Every setting with its value and where it comes from, without secrets.
#[must_use]
pub fn effective(loaded: &Loaded) -> String {
    let mut text = String::new();
    for setting in settings::all() {
        let (value, origin) = match loaded.given(setting.path) {
            Some(given) => (given.text.as_str(), given.origin.to_string()),
            None => (setting.default, "default".to_owned()),
        };
        let value = if setting.secret && !value.is_empty() { "***" } else { value };
        let unused = setting.unused.map(|why| format!("; no effect: {why}")).unwrap_or_default();
        line(&mut text, format_args!("{} = {value}  ({origin}{unused})", setting.path));
    }
    text
}

fn section(text: &mut String, title: &str, columns: &str) {
    line(text, format_args!("\n## {title}\n\n| setting | environment | {columns} |"));
    line(text, format_args!("|---|---|{}", "---|".repeat(columns.split('|').count())));
}

fn row(text: &mut String, setting: &Setting, rest: &str) {
    line(text, format_args!("| `{}` | `{}` | {rest} |", setting.path, setting.environment_name()));
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    writeln!(text, "{arguments}").ok();
}

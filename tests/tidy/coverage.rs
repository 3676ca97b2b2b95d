//! Every promise has a test that names it: `docs/spec-coverage.md`, and nothing without one.
//!
//! A test names what it pins in a plain comment inside it: `// behaviour 12, 14 to 16, decision 1, defects B1, S1`.
//! `coverage/items.txt` lists what there is to be pinned, and why some of it cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::tree;

/// One promise.
struct Item {
    /// As in `behaviour 12`.
    id: String,
    about: String,
    /// Why it has no test.
    not_applicable: Option<String>,
}

/// One line of the list: a heading, or a promise.
enum Line {
    Heading(String),
    Item(Item),
}

/// The tests by the promises that they name, each as `file: name`.
type Tests = BTreeMap<String, BTreeSet<String>>;

fn lines() -> Vec<Line> {
    let text = include_str!("coverage/items.txt");
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(heading) => Line::Heading(heading.to_owned()),
        None => {
            let mut parts = line.split(" | ").map(str::to_owned);
            let id = parts.next().expect("a line has a first part");
            let about = parts.next().expect("a line has a second part, what it is about");
            Line::Item(Item { id, about, not_applicable: parts.next() })
        }
    };
    text.lines().skip(2).map(line).collect()
}

fn tests() -> Tests {
    let mut tests = Tests::new();
    for (extension, comment) in [("rs", "//"), ("go", "//"), ("java", "//"), ("py", "#")] {
        for file in tree::with_extension(extension) {
            for (name, id) in named(&file.text, comment, &file.path) {
                tests.entry(id).or_default().insert(format!("{}: {name}", file.path));
            }
        }
    }
    tests
}

/// The tests of a file and what they name.
fn named(text: &str, comment: &str, path: &str) -> Vec<(String, String)> {
    let is_suite = path.starts_with("crates/dtm-store/src/suite/");
    let is_compat = path.starts_with("tests/compat/");
    let (mut found, mut test, mut is_test) = (Vec::new(), None, false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = function(line) {
            test = (is_test || is_suite || is_compat).then_some(name);
            is_test = false;
        }
        let plain = line.split_once(comment).filter(|(code, rest)| {
            !rest.starts_with(['/', '!']) && !code.ends_with(':') && !code.contains('"')
        });
        if let (Some((_, rest)), Some(test)) = (plain, &test) {
            found.extend(ids(rest).into_iter().map(|id| (test.clone(), id)));
        }
    }
    found
}

/// The name of a function that begins on this line, in any of the languages.
fn function(line: &str) -> Option<String> {
    let words = ["fn ", "func ", "def ", "static void "];
    let (_, rest) = words.iter().find_map(|word| {
        line.split_once(word).filter(|(before, _)| {
            before
                .split_whitespace()
                .all(|it| ["pub", "pub(crate)", "pub(super)", "async", "private", "public"].contains(&it))
        })
    })?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

/// What a comment names.
fn ids(comment: &str) -> Vec<String> {
    let words: Vec<&str> = comment
        .split(|c: char| c.is_whitespace() || ",;()".contains(c))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty())
        .collect();
    let (mut found, mut kind, mut last, mut is_range) = (Vec::new(), None, None::<u32>, false);
    for word in words {
        let singular = word.trim_end_matches('s').to_lowercase();
        if ["behaviour", "decision", "defect"].contains(&singular.as_str()) {
            (kind, last) = (Some(singular), None);
            continue;
        }
        let Some(kind_now) = &kind else { continue };
        match word {
            "and" => {}
            "to" | "-" => is_range = true,
            word => {
                let (from, to) = word.split_once(['-', '\u{2013}']).unwrap_or((word, word));
                let numbers = (number(from), number(to));
                match numbers {
                    (Some((letter, from)), Some((_, to))) => {
                        let from = if is_range { last.map_or(from, |last| last + 1) } else { from };
                        found.extend((from..=to).map(|number| format!("{kind_now} {letter}{number}")));
                        last = Some(to);
                    }
                    _ => kind = None,
                }
                is_range = false;
            }
        }
    }
    found
}

/// `B12` or `12`.
fn number(word: &str) -> Option<(String, u32)> {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letter = &word[..word.len() - digits.len()];
    (letter.len() <= 1).then_some(())?;
    Some((letter.to_owned(), digits.parse().ok()?))
}

fn page(lines: &[Line], tests: &Tests) -> String {
    let mut page = "# Which test pins which promise\n\n\
        The promises are those of DTM's wire contract that a client or service can notice, our decisions to differ from it, and\n\
        the defects of DTM that must not come back. This page is made from the comments of the tests.\n\n\
        <!-- To write it anew: BLESS=1 cargo test -p dtm-tests --test tidy -->\n"
        .to_owned();
    for line in lines {
        match line {
            Line::Heading(heading) => {
                write!(page, "\n## {heading}\n\n| promise | about | tests |\n|---|---|---|\n").ok();
            }
            Line::Item(Item { id, about, not_applicable }) => {
                let named = tests.get(id).map_or_else(Vec::new, shown);
                let cell = match not_applicable {
                    Some(why) if named.is_empty() => format!("not applicable, because {why}"),
                    _ => named.join("<br>"),
                };
                writeln!(page, "| {id} | {about} | {cell} |").ok();
            }
        }
    }
    page
}

/// A few of the tests, those that see the whole server first.
fn shown(tests: &BTreeSet<String>) -> Vec<String> {
    let mut sorted: Vec<_> = tests.iter().collect();
    sorted.sort_by_key(|test| (!test.starts_with("tests/e2e"), !test.starts_with("tests/"), *test));
    let mut shown: Vec<_> = sorted.iter().take(SHOWN).map(|test| (*test).clone()).collect();
    if sorted.len() > SHOWN {
        shown.push(format!("and {} more", sorted.len() - SHOWN));
    }
    shown
}

const SHOWN: usize = 3;

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the document anew")]
fn every_promise_has_a_test_that_names_it() {
    let (lines, tests) = (lines(), tests());
    let items = || {
        lines.iter().filter_map(|line| match line {
            Line::Item(item) => Some(item),
            Line::Heading(_) => None,
        })
    };
    let without: Vec<_> = items()
        .filter(|item| item.not_applicable.is_none() && !tests.contains_key(&item.id))
        .map(|item| format!("{}: {}", item.id, item.about))
        .collect();
    let stale: Vec<_> = items()
        .filter(|item| item.not_applicable.is_some() && tests.contains_key(&item.id))
        .map(|item| &item.id)
        .collect();
    let path = tree::root().join("docs/spec-coverage.md");
    let current = page(&lines, &tests);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &current).expect("the document can be written");
    }
    assert!(without.is_empty(), "no test names\n{}", without.join("\n"));
    assert!(stale.is_empty(), "not applicable, and named by a test: {stale:?}");
    let written = std::fs::read_to_string(&path).expect("there is a page");
    assert!(written == current, "run: BLESS=1 cargo test -p dtm-tests --test tidy");
}

#[test]
fn what_a_comment_names_is_understood() {
    let named = |comment: &str| ids(comment);
    assert_eq!(named(" behaviour 12"), ["behaviour 12"]);
    assert_eq!(
        named(" behaviour 14 to 16, 20-21, decision 1, defects B1, S1: why"),
        [
            "behaviour 14",
            "behaviour 15",
            "behaviour 16",
            "behaviour 20",
            "behaviour 21",
            "decision 1",
            "defect B1",
            "defect S1"
        ]
    );
    assert_eq!(named(" sdk-wire 3, behaviour 14 and 90"), ["behaviour 14", "behaviour 90"]);
    assert!(named(" what decisions depend on, 3 times").is_empty());
    let text =
        "#[test]\nfn a() {\n    // behaviour 1\n}\nfn b() {\n    // behaviour 2\n    /// behaviour 3\n}\n";
    assert_eq!(super::coverage::named(text, "//", "x.rs"), [("a".to_owned(), "behaviour 1".to_owned())]);
}

//! What is shown: help, effective values, and never a secret.

use super::super::{Action, effective, parse};
use super::support::Sources;

const HELP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/tests/help.txt");

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the golden file anew")]
fn the_help_teaches_what_it_taught_before() {
    let help = parse(["dtm-server", "--help"].map(Into::into)).unwrap_err().to_string();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(HELP, &help).unwrap();
    }
    let golden = std::fs::read_to_string(HELP).unwrap();
    assert_eq!(help, golden, "if this is meant: BLESS=1 cargo test -p dtm-server the_help");
}

#[test]
fn the_version_has_the_flags_of_dtm_and_the_usual_one() {
    for flag in ["-v", "-V", "--version"] {
        let shown = parse(["dtm-server", flag].map(Into::into)).unwrap_err();
        assert_eq!(shown.to_string(), concat!("dtm-server ", env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!(shown.exit_code(), 0);
    }
}

#[test]
fn an_unknown_flag_and_a_stray_word_are_usage_errors() {
    for argument in ["--http-prot", "start", "--http-port"] {
        assert_eq!(parse(["dtm-server", argument].map(Into::into)).unwrap_err().exit_code(), 2, "{argument}");
    }
}

#[test]
fn the_effective_values_say_where_they_come_from() {
    let sources = Sources::file("RetryInterval: 20\nJsonRpcPort: 1\n")
        .and_environment("TIMEOUT_TO_FAIL", "50")
        .and_flags(&["--data", "elsewhere", "--print-config"]);
    let shown = effective(&sources.load().unwrap());
    for line in [
        "RequestTimeout = 3  (default)",
        "TimeoutToFail = 50  (environment variable TIMEOUT_TO_FAIL)",
        "Store.Path = elsewhere  (flag --data)",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} is missing in\n{shown}");
    }
    assert!(
        shown.contains("conf.yml line 1)\n") && shown.contains("conf.yml line 2; no effect: "),
        "{shown}"
    );
}

#[test]
fn no_secret_is_shown_anywhere() {
    // defect R19
    let url = "https://example.com/?access_token=s3cret";
    let sources = Sources::file("Store: {Password: s3cret}\nMicroService: {EndPoint: s3cret}\n")
        .and_environment("ALERT_WEB_HOOK", url);
    let loaded = sources.load().unwrap();
    assert_eq!(loaded.config.alert.web_hook.as_deref(), Some(url));
    let shown = effective(&loaded);
    assert!(shown.contains("Store.Password = ***  (") && shown.contains("AlertWebHook = ***  ("), "{shown}");
    for text in [shown, format!("{loaded:?}"), format!("{:#?}", loaded.config), loaded.notes().join("")] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn the_actions_are_told_apart() {
    let action = |flags: &[&str]| {
        let arguments = std::iter::once(&"dtm-server").chain(flags).map(Into::into);
        parse(arguments.collect::<Vec<_>>()).unwrap().action
    };
    assert_eq!(action(&[]), Action::Run);
    assert_eq!(action(&["--print-config"]), Action::PrintConfig);
    assert_eq!(action(&["--check-config", "-c", "x"]), Action::CheckConfig);
    // an import that is only to be checked does not begin
    let import = ["import", "--from", "redis://h"];
    assert_eq!(action(&[&["--check-config"], &import[..]].concat()), Action::CheckConfig);
    assert_eq!(action(&[&["--print-config"], &import[..]].concat()), Action::PrintConfig);
    assert!(matches!(action(&import), Action::Import(_)));
}

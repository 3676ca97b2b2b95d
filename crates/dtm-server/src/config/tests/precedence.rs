//! Which source wins.

use std::path::Path;

use dtm_core::model::Seconds;

use super::super::{Config, all};
use super::support::Sources;

#[test]
fn without_any_source_the_defaults_hold() {
    assert_eq!(Sources::default().load().unwrap().config, Config::default());
}

#[test]
fn the_defaults_in_the_table_are_the_defaults_in_the_code() {
    for setting in all().filter(|setting| !setting.default.is_empty()) {
        let mut config = Config::default();
        setting.apply(&mut config, setting.default).unwrap_or_else(|why| panic!("{}: {why}", setting.path));
        assert_eq!(config, Config::default(), "{}", setting.path);
    }
}

#[test]
fn the_file_beats_the_defaults_the_environment_the_file_and_a_flag_the_environment() {
    // decision 29
    let file = Sources::file("HttpPort: 1001\n");
    assert_eq!(file.load().unwrap().config.http.port, 1_001);
    let both = file.and_environment("HTTP_PORT", "1002");
    assert_eq!(both.load().unwrap().config.http.port, 1_002);
    let all = both.and_flags(&["--http-port", "1003"]);
    assert_eq!(all.load().unwrap().config.http.port, 1_003);
}

#[test]
fn a_bad_value_stops_the_start_even_if_a_later_source_would_win() {
    let sources = Sources::file("HttpPort: many\n").and_flags(&["--http-port", "1003"]);
    assert!(sources.refusal().starts_with("conf.yml line 1: HttpPort = 'many'"));
}

#[test]
fn null_in_the_file_and_an_empty_variable_mean_absent() {
    let sources = Sources::file("Store:\nHttpPort: ~\nRetryInterval:\nLogLevel: null\n")
        .and_environment("HTTP_PORT", "")
        .and_environment("STORE_DRIVER", "");
    assert_eq!(sources.load().unwrap().config, Config::default());
}

#[test]
fn an_empty_file_is_a_file_without_settings() {
    for text in ["", "\n", "# nothing\n", "---\n", "\u{feff}", "null"] {
        assert_eq!(Sources::file(text).load().unwrap().config, Config::default(), "{text:?}");
    }
}

#[test]
fn variables_that_are_no_settings_are_ignored() {
    let sources = Sources::environment("RETRY_INTERVALL", "x").and_environment("PATH", "/bin");
    assert_eq!(sources.load().unwrap().config, Config::default());
}

#[test]
fn each_flag_reaches_its_setting() {
    let flags = ["--listen", "::1", "--http-port=0", "--grpc-port=1", "--data", "/var/lib/dtm", "--debug"];
    let config = Sources::flags(&flags).load().unwrap().config;
    assert_eq!(config.http.listen.to_string(), "::1");
    assert_eq!((config.http.port, config.grpc.port), (0, 1));
    assert_eq!(config.store.path, Path::new("/var/lib/dtm"));
    assert_eq!(config.log.level, tracing::Level::DEBUG);
}

#[test]
fn quoted_numbers_and_unquoted_texts_are_taken_as_they_are_written() {
    let text = "RetryInterval: '20'\nTimeZoneOffset: +8\nStore: {Port: '5432', Path: 007}\nNodeName: true\n";
    let config = Sources::file(text).load().unwrap().config;
    assert_eq!(config.policy.retry_interval, Seconds::new(20));
    assert_eq!(config.store.path, Path::new("007"));
    assert_eq!(config.runner.node_name.as_deref(), Some("true"));
}

//! What the operator reads when something is wrong: where, what, and what would be right (decision 29).

use std::time::Duration;

use super::super::parse;
use super::support::Sources;

fn file(text: &str) -> String {
    Sources::file(text).refusal()
}

#[test]
fn a_value_that_does_not_parse_names_its_place_and_the_allowed_range() {
    assert_eq!(
        file("# first\nRequestTimeout: 3s\n"),
        "conf.yml line 2: RequestTimeout = '3s': this is not a whole number; allowed is a whole number of seconds from \
         1 to 86400"
    );
    assert_eq!(
        Sources::environment("REQUEST_TIMEOUT", "0").refusal(),
        "environment variable REQUEST_TIMEOUT: RequestTimeout = '0': RequestTimeout should not be less than 1; allowed \
         is a whole number of seconds from 1 to 86400"
    );
    assert_eq!(
        Sources::flags(&["--http-port", "65536"]).refusal(),
        "flag --http-port: HttpPort = '65536': this is not a port; allowed is a port from 0 to 65535; 0 means any free \
         one"
    );
    assert_eq!(
        file("UpdateBranchSync: maybe\n"),
        "conf.yml line 1: UpdateBranchSync = 'maybe': this is neither on nor off; allowed is 1 or true (on), 0 or \
         false (off)"
    );
    assert_eq!(
        file("Log:\n  Outputs: stderr|\n"),
        "conf.yml line 2: Log.Outputs = 'stderr|': this is not such a value; allowed is stderr, stdout or names of \
         files, separated by '|'"
    );
}

#[test]
fn a_driver_or_a_service_that_does_not_work_here_stops_the_start() {
    // features 4.4: branches of that driver could never be called
    assert_eq!(
        file("MicroService:\n  Driver: dtm-driver-gozero\n"),
        "conf.yml line 2: MicroService.Driver = 'dtm-driver-gozero': this is not such a value; allowed is default: \
         branches of other drivers cannot be called"
    );
    assert_eq!(
        Sources::environment("DISCOVERY_SERVICES", "stock=10.0.0.1").refusal(),
        "environment variable DISCOVERY_SERVICES: Discovery.Services = 'stock=10.0.0.1': this is not such a value; \
         allowed is name=host:port,host:port;name=..."
    );
    let message = Sources::environment("DISCOVERY_NAME_SERVERS", "ns.example:53").refusal();
    assert!(message.contains("allowed is address:port, separated by ','"), "{message}");
}

#[test]
fn every_kind_of_number_out_of_range_is_refused() {
    for (value, why) in [
        ("-1", "should not be less than 1"),
        ("4294967296", "should not be more than"),
        ("99999999999999999999999999999999999999999", "this is not a whole number"),
        ("1.5", "this is not a whole number"),
        ("''", "this is not a whole number"),
    ] {
        let message = file(&format!("MaxBranches: {value}\n"));
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn the_checks_of_dtm_keep_their_words() {
    // behaviour 110
    assert!(file("RetryInterval: 9\n").contains(": RetryInterval should not be less than 10; "));
    let message =
        Sources::environment("TIMEOUT_TO_FAIL", "11").and_environment("RETRY_INTERVAL", "12").refusal();
    assert_eq!(
        message,
        "TimeoutToFail should not be less than RetryInterval: TimeoutToFail is 11 (environment variable \
         TIMEOUT_TO_FAIL) and RetryInterval is 12 (environment variable RETRY_INTERVAL)"
    );
    let message = Sources::environment("RETRY_INTERVAL", "60").refusal();
    assert!(message.contains("TimeoutToFail is 35 (default)"), "{message}");
}

#[test]
fn an_unknown_key_is_refused_and_a_near_one_proposed() {
    assert_eq!(
        file("Store:\n  Drivr: sled\n"),
        "conf.yml line 2: there is no setting Store.Drivr; did you mean Store.Driver?; docs/CONFIGURATION.md lists \
         them all"
    );
    assert_eq!(
        file("Entirely:\n  Strange: [1, {a: b}]\nHttpPort: 1\n"),
        "conf.yml line 1: there is no setting Entirely; docs/CONFIGURATION.md lists them all"
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let message = file("RetryInterval: 1\nRetryIntervall: 10\nLogLevel: loud\n");
    assert_eq!(message.lines().count(), 3, "{message}");
}

#[test]
fn a_key_that_is_set_twice_is_refused_with_both_lines() {
    assert_eq!(
        file("HttpPort: 1\nGrpcPort: 2\nHttpPort: 3\n"),
        "conf.yml line 3: HttpPort is set a second time, the first time was in line 1: remove one"
    );
    assert!(file("Store: {Driver: sled}\nStore: {Path: x}\n").contains("Store is set a second time"));
}

#[test]
fn a_part_of_another_shape_is_refused() {
    for (text, what) in [
        ("HttpPort: [1]\n", "HttpPort must be one value, not a list"),
        ("HttpPort: {a: 1}\n", "HttpPort must be one value, not a mapping"),
        ("Store: sled\n", "Store must be a mapping of settings, indented below it"),
        ("Store: [sled]\n", "Store must be a mapping of settings, indented below it, not a list"),
        ("- HttpPort\n", "the file must be a mapping of settings"),
        ("HttpPort\n", "the file must be a mapping of settings"),
        ("? [a]\n: b\n", "a key must be one word"),
        ("HttpPort: &port 1\nGrpcPort: *port\n", "GrpcPort must be one value; aliases are not supported"),
        ("HttpPort: 1\n---\nHttpPort: 2\n", "a second document starts here: only one is allowed"),
    ] {
        let message = file(text);
        assert!(message.starts_with("conf.yml line ") && message.ends_with(what), "{text:?}: {message}");
    }
}

#[test]
fn a_file_that_is_not_yaml_is_refused_with_its_place() {
    let message = file("HttpPort: 1\nStore: 'sled\n");
    assert!(message.starts_with("conf.yml line 2 column 8: this is not valid YAML: "), "{message}");
    for text in ["{---", "a: b: c", "\u{0}", "%", "&", "[", "{", "- -", "? ? ?", "a:\n  b\n c"] {
        assert!(Sources::file(text).load().is_err(), "{text:?}");
    }
}

#[test]
fn a_deep_file_is_refused_quickly() {
    for text in ["[".repeat(100_000), "{".repeat(100_000), "a: ".repeat(100_000), "- ".repeat(100_000)] {
        assert!(Sources::file(&text).load().is_err());
    }
}

#[test]
fn a_file_that_is_missing_too_long_or_not_text_is_refused_by_name() {
    let missing = Sources::flags(&["-c", "no/such/conf.yml"]).refusal();
    assert!(
        missing.starts_with("the configuration file no/such/conf.yml cannot be read: No such file"),
        "{missing}"
    );
    let long = file(&"#".repeat((1 << 20) + 1));
    assert!(long.ends_with("conf.yml cannot be read: it has more than 1048576 bytes"), "{long}");
    assert!(Sources::file(&"#".repeat(1 << 20)).load().is_ok());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.yml");
    std::fs::write(&path, b"NodeName: caf\xe9\n").unwrap();
    let latin = Sources::flags(&["-c", path.to_str().unwrap()]).refusal();
    assert!(latin.ends_with("it is not UTF-8 text"), "{latin}");
}

#[test]
fn a_store_that_this_version_lacks_stops_the_start() {
    assert_eq!(
        file("Store:\n  Driver: sqlserver\n"),
        "conf.yml line 2: Store.Driver = 'sqlserver': this version has no such store; set it to mysql, postgres, redis or \
         sled, or leave it out"
    );
    assert!(file("Store: {Driver: oracle}\n").contains("Store.Driver = 'oracle': this is not such a value"));
    let overridden =
        Sources::file("Store: {Driver: sqlserver, Host: db}\n").and_environment("STORE_DRIVER", "sled");
    assert!(overridden.load().is_ok(), "only the source that wins decides");
}

#[test]
fn a_database_that_cannot_be_found_stops_the_start() {
    for store in ["mysql", "postgres"] {
        let message = file(&format!("Store: {{Driver: {store}}}\n"));
        assert!(message.contains(&format!("Store.Driver = '{store}' needs Store.Host")), "{message}");
        assert!(message.contains("needs Store.User"), "{message}");
    }
    assert!(file("Store: {Driver: redis}\n").contains("Store.Driver = 'redis' needs Store.Host"));
    assert!(file("Store: {Driver: mysql, Host: 'a:1,b:2', User: u}\n").contains("only Redis has several"));
    assert!(file("Store: {Driver: redis, Host: a, Tls: require}\n").contains("off or verify-full"));
    assert!(file("Store: {Driver: redis, Host: a, TlsCa: ca.pem}\n").contains("authorities of the system"));
    assert!(file("Store: {Driver: redis, Host: a, RedisPrefix: 'a{b}'}\n").contains("without braces"));
    let url = file("Store: {Driver: mysql, Host: 'mysql://db', User: dtm}\n");
    assert!(url.contains("allowed is a name or an IP address"), "{url}");
    let few = file("Store: {MaxOpenConns: 4}\n");
    assert!(few.contains("from 5"), "{few}");
}

#[test]
fn authorities_that_nobody_asks_are_refused() {
    // decision 29: whoever names an authority believes that the certificate is checked
    for tls in ["", "Tls: off, ", "Tls: prefer, ", "Tls: require, "] {
        let message = file(&format!("Store: {{Driver: mysql, Host: a, User: u, {tls}TlsCa: ca.pem}}\n"));
        assert!(message.contains("unless Store.Tls is verify-ca or verify-full"), "{message}");
    }
    for tls in ["verify-ca", "verify-full"] {
        let text = format!("Store: {{Driver: postgres, Host: a, User: u, Tls: {tls}, TlsCa: ca.pem}}\n");
        assert!(Sources::file(&text).load().is_ok(), "{tls}");
    }
}

#[test]
fn settings_that_say_nothing_to_the_chosen_store_are_named() {
    // decision 29
    let notes =
        |store: &str| Sources::file(&format!("Store: {{{store}}}\n")).load().unwrap().notes().join("\n");
    let given = "Path: x, Schema: s, Db: d, ConnMaxLifeTime: 1, RedisPrefix: p, RedisWaitTimeout: 9";
    let all = ["Path", "Schema", "Db", "ConnMaxLifeTime", "RedisPrefix", "RedisWaitTimeout"];
    for (store, without_effect) in [
        ("Driver: mysql, Host: a, User: u", &["Path", "Schema", "RedisPrefix", "RedisWaitTimeout"][..]),
        ("Driver: postgres, Host: a, User: u", &["Path", "RedisPrefix", "RedisWaitTimeout"]),
        ("Driver: redis, Host: a", &["Path", "Schema", "Db", "ConnMaxLifeTime", "RedisWaitTimeout"]),
        ("Driver: redis, Host: a, RedisWaitReplicas: 1", &["Path", "Schema", "Db", "ConnMaxLifeTime"]),
        ("Driver: sled", &["Schema", "Db", "ConnMaxLifeTime", "RedisPrefix", "RedisWaitTimeout"]),
    ] {
        let notes = notes(&format!("{store}, {given}"));
        let named: Vec<&str> =
            all.into_iter().filter(|name| notes.contains(&format!("Store.{name} ("))).collect();
        assert_eq!(named, without_effect, "{store}: {notes}");
    }
    assert_eq!(notes("Driver: mysql, Host: a, User: u, ConnMaxLifeTime: 1"), "");
}

#[test]
fn an_interval_that_is_longer_than_a_shared_store_allows_is_named() {
    let of = |text: &str| Sources::file(text).load().unwrap();
    let shared = "Store: {Driver: mysql, Host: a, User: u}\n";
    let capped = of(&format!("{shared}TransCronInterval: 3\nNodeTimeout: 12\n"));
    let notes = capped.notes().join("\n");
    assert!(notes.contains("line 2: TransCronInterval = 3") && notes.contains("every 2s"), "{notes}");
    assert_eq!(capped.config.longest_pause_between_looks(), Duration::from_secs(2));
    assert_eq!(of(&format!("{shared}TransCronInterval: 2\nNodeTimeout: 12\n")).notes(), [""; 0]);
    let embedded = of("TransCronInterval: 3\n");
    assert_eq!(embedded.notes(), [""; 0]);
    assert_eq!(embedded.config.longest_pause_between_looks(), Duration::from_secs(3));
}

#[test]
fn a_flag_of_the_import_that_says_nothing_to_the_source_is_refused() {
    let refused = |arguments: &[&str]| {
        let given = ["dtm-server", "import", "--from"].iter().chain(arguments).map(Into::into);
        parse(given.collect::<Vec<_>>()).err().map(|error| (error.exit_code(), error.to_string()))
    };
    for (from, flag, value) in [
        ("mysql://u@h/d", "--prefix", "{a}"),
        ("postgres://u@h/d", "--prefix", "{b}"),
        ("postgres://u@h/d", "--time-zone", "+08:00"),
        ("redis://h", "--time-zone", "+08:00"),
    ] {
        let (code, message) = refused(&[from, flag, value]).unwrap();
        assert_eq!(code, 2);
        assert!(message.contains(flag) && message.contains("only when --from"), "{message}");
    }
    assert_eq!(refused(&["redis://h", "--prefix", "{b}"]), None);
    assert_eq!(refused(&["mysql://u@h/d", "--time-zone", "+08:00"]), None);
}

#[test]
fn a_variable_that_kubernetes_set_is_recognised() {
    let message = Sources::environment("STORE_PORT", "tcp://10.0.0.1:3306").refusal();
    assert!(message.contains("set enableServiceLinks to false"), "{message}");
}

#[test]
fn a_refused_secret_is_not_shown() {
    // defect R19
    let message = Sources::environment("ALERT_WEB_HOOK", "hooks/s3cret").refusal();
    assert_eq!(
        message,
        "environment variable ALERT_WEB_HOOK: AlertWebHook = (not shown): this is not such a value; allowed is an http \
         or https URL"
    );
}

#[test]
fn only_a_wrong_command_line_is_a_usage_error() {
    assert!(Sources::flags(&["--http-port", "x"]).load().unwrap_err().is_usage());
    assert!(!Sources::file("HttpPort: x\n").and_flags(&["--http-port", "x"]).load().unwrap_err().is_usage());
}

#[test]
fn the_flag_that_wipes_a_store_in_dtm_is_refused_with_the_reason() {
    // decision 26, defect M15
    let error = parse(["dtm-server", "-r"].map(Into::into)).unwrap_err();
    assert!(
        error.to_string().contains("-r is not supported: there is no flag that wipes a store"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 2);
}

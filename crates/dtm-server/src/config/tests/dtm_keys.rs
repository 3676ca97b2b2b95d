//! Configurations that were written for DTM.

use std::time::Duration;

use dtm_core::model::Seconds;

use super::super::{LogOutput, StoreDriver, all};
use super::support::Sources;

/// Key, environment variable, a value that DTM takes (features 4.4).
const KEYS: &[(&str, &str, &str)] = &[
    ("Store.Driver", "STORE_DRIVER", "boltdb"),
    ("Store.Host", "STORE_HOST", "localhost"),
    ("Store.Port", "STORE_PORT", "3306"),
    ("Store.User", "STORE_USER", "root"),
    ("Store.Password", "STORE_PASSWORD", "s3cret"),
    ("Store.Db", "STORE_DB", "dtm"),
    ("Store.Schema", "STORE_SCHEMA", "public"),
    ("Store.MaxOpenConns", "STORE_MAX_OPEN_CONNS", "500"),
    ("Store.MaxIdleConns", "STORE_MAX_IDLE_CONNS", "500"),
    ("Store.ConnMaxLifeTime", "STORE_CONN_MAX_LIFE_TIME", "5"),
    ("Store.DataExpire", "STORE_DATA_EXPIRE", "604800"),
    ("Store.FinishedDataExpire", "STORE_FINISHED_DATA_EXPIRE", "86400"),
    ("Store.RedisPrefix", "STORE_REDIS_PREFIX", "{a}"),
    ("TransCronInterval", "TRANS_CRON_INTERVAL", "3"),
    ("TimeoutToFail", "TIMEOUT_TO_FAIL", "35"),
    ("RetryInterval", "RETRY_INTERVAL", "10"),
    ("RequestTimeout", "REQUEST_TIMEOUT", "3"),
    ("HttpPort", "HTTP_PORT", "36789"),
    ("GrpcPort", "GRPC_PORT", "36790"),
    ("JsonRpcPort", "JSON_RPC_PORT", "36791"),
    ("MicroService.Driver", "MICRO_SERVICE_DRIVER", "default"),
    ("MicroService.Target", "MICRO_SERVICE_TARGET", "etcd://localhost:2379/dtmservice"),
    ("MicroService.EndPoint", "MICRO_SERVICE_END_POINT", "localhost:36790"),
    ("HttpMicroService.Driver", "HTTP_MICRO_SERVICE_DRIVER", "dtm-driver-http"),
    ("HttpMicroService.RegistryType", "HTTP_MICRO_SERVICE_REGISTRY_TYPE", "nacos"),
    ("HttpMicroService.RegistryAddress", "HTTP_MICRO_SERVICE_REGISTRY_ADDRESS", "127.0.0.1:8848"),
    ("HttpMicroService.RegistryOptions", "HTTP_MICRO_SERVICE_REGISTRY_OPTIONS", "{\"UserName\":\"nacos\"}"),
    ("HttpMicroService.Target", "HTTP_MICRO_SERVICE_TARGET", "{\"ServiceName\":\"dtmService\"}"),
    ("HttpMicroService.EndPoint", "HTTP_MICRO_SERVICE_END_POINT", "127.0.0.1:36789"),
    ("UpdateBranchSync", "UPDATE_BRANCH_SYNC", "1"),
    ("UpdateBranchAsyncGoroutineNum", "UPDATE_BRANCH_ASYNC_GOROUTINE_NUM", "1"),
    ("LogLevel", "LOG_LEVEL", "info"),
    ("Log.Outputs", "LOG_OUTPUTS", "stderr"),
    ("Log.RotationEnable", "LOG_ROTATION_ENABLE", "0"),
    ("Log.RotationConfigJSON", "LOG_ROTATION_CONFIG_JSON", "{}"),
    ("TimeZoneOffset", "TIME_ZONE_OFFSET", "+8"),
    ("ConfigUpdateInterval", "CONFIG_UPDATE_INTERVAL", "10"),
    ("AlertRetryLimit", "ALERT_RETRY_LIMIT", "3"),
    ("AlertWebHook", "ALERT_WEB_HOOK", "https://example.com/hook"),
    ("AdminBasePath", "ADMIN_BASE_PATH", "/dtm"),
    ("GrpcServiceConfig", "GRPC_SERVICE_CONFIG", "{\"loadBalancingConfig\":[{\"round_robin\":{}}]}"),
    ("IsDocker", "IS_DOCKER", "1"),
];

/// In the shape of the sample that DTM ships, with everything switched on.
const SAMPLE: &str = "\
Store: # which engine
  Driver: 'boltdb' # default store engine
  Host: 'localhost'
  User: ''
  Password: 's3cret'
  Port: '5432'
  MaxOpenConns: 500
  DataExpire: 3600 # only for redis and boltdb
  RedisPrefix: '{a}'

MicroService:
  Driver: 'default'
  Target: ''
  EndPoint: ''

# the unit of following configurations is second
TransCronInterval: 4
TimeoutToFail: 40
RetryInterval: 11
RequestTimeout: 5
UpdateBranchSync: 1
LogLevel: 'warn'
Log:
  Outputs: 'stdout|/tmp/dtm.log'
  RotationEnable: 0
  RotationConfigJSON: '{}'
HttpPort: 8080
GrpcPort: 36790
JsonRpcPort: 36791
ConfigUpdateInterval: 10
AlertRetryLimit: 4
AlertWebHook: ''
";

#[test]
fn every_key_of_dtm_is_accepted_in_the_file_and_under_its_variable() {
    // decision 29, behaviour 109
    for (path, variable, value) in KEYS {
        let setting =
            all().find(|setting| setting.path == *path).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(setting.environment_name(), *variable);
        let text = match path.split_once('.') {
            Some((section, key)) => format!("{section}:\n  {key}: '{value}'\n"),
            None => format!("{path}: '{value}'\n"),
        };
        Sources::file(&text).load().unwrap_or_else(|error| panic!("{error}"));
        Sources::environment(variable, value).load().unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn no_two_settings_share_a_variable() {
    let mut names: Vec<String> = all().map(super::super::Setting::environment_name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_file_like_the_sample_of_dtm_starts_the_server_with_its_values() {
    let loaded = Sources::file(SAMPLE).load().unwrap();
    let config = &loaded.config;
    assert_eq!(config.store.driver, StoreDriver::Sled);
    assert_eq!(config.store.finished_data_expire, Seconds::new(3_600));
    assert_eq!(config.runner.poll_interval, Duration::from_secs(4));
    assert_eq!(config.policy.timeout_to_fail, Seconds::new(40));
    assert_eq!(config.policy.retry_interval, Seconds::new(11));
    assert_eq!(config.policy.request_timeout, Seconds::new(5));
    assert!(!config.policy.defer_progress, "UpdateBranchSync: 1 writes each step on its own");
    assert_eq!(config.policy.alert_retry_limit, 4);
    assert_eq!(config.alert.web_hook, None);
    assert_eq!((config.http.port, config.grpc.port), (8_080, 36_790));
    assert_eq!(config.log.level, tracing::Level::WARN);
    assert_eq!(config.log.outputs, [LogOutput::Stdout, LogOutput::File("/tmp/dtm.log".into())]);
}

#[test]
fn what_has_no_effect_is_reported_in_one_line_and_the_old_name_of_the_store_in_another() {
    // decisions 29, 30
    let notes = Sources::file(SAMPLE).load().unwrap().notes();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("Store.Driver = boltdb means sled here"), "{}", notes[0]);
    for path in ["Store.Host", "Store.Password", "JsonRpcPort", "ConfigUpdateInterval", "Log.RotationEnable"]
    {
        assert!(notes[1].contains(&format!("{path} (")), "{path}: {}", notes[1]);
    }
    assert!(!notes[1].contains("s3cret") && !notes[1].contains("RetryInterval"), "{}", notes[1]);
    assert!(Sources::file("HttpPort: 1\n").load().unwrap().notes().is_empty());
    let notes = Sources::environment("IS_DOCKER", "1").load().unwrap().notes();
    assert!(notes[0].contains("IsDocker (") && notes[0].contains("host.docker.internal"), "{notes:?}");
}

#[test]
fn the_way_of_the_helm_chart_to_name_the_file_works() {
    let flags =
        super::super::parse(["dtm-server", "-c=/app/dtm/configs/config.yaml"].map(Into::into)).unwrap();
    assert_eq!(flags.file.as_deref(), Some(std::path::Path::new("/app/dtm/configs/config.yaml")));
}

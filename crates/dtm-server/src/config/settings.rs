//! The one table of all settings: DTM's keys with DTM's defaults, and our own.
//!
//! A new setting is one row here; `--help`, `docs/CONFIGURATION.md`, the check for unknown keys, the names of
//! environment variables and the parsing follow. The file is long because it is that table.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use dtm_core::model::Seconds;
use dtm_proto::outcome::ResultProtocol;
use dtm_store::NodeName;

use super::setting::{Kind, Setting};
use super::{Config, LogFormat, LogOutput, StaticServices, StoreDriver, TlsMode};

/// Settings that belong together.
#[derive(Debug)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The settings, in the order of the reference.
    pub settings: &'static [Setting],
}

/// All settings, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

const YEAR: u32 = 31_536_000;
const DAY: u32 = 86_400;
const GIBIBYTE: u32 = 1 << 30;
const NO_DISCOVERY: &str = "this version does not register itself anywhere";
const DEAD: &str = "never had an effect in DTM";

/// The table.
pub static GROUPS: &[Group] = &[
    Group {
        title: "Listening",
        settings: &[
            text("ListenAddress", "an IPv4 or IPv6 address", "127.0.0.1", |c, text| {
                c.http.listen = text.parse().ok()?;
                Some(())
            })
            .doc("The address to listen on. 0.0.0.0 opens the server, which has no log-in, to the network.")
            .flag("listen", "ADDRESS")
            .common(),
            port("HttpPort", "36789", |c, port| c.http.port = port)
                .doc("The port of the HTTP API, of /api/metrics and of /api/ping.")
                .flag("http-port", "PORT")
                .common(),
            port("GrpcPort", "36790", |c, port| c.grpc.port = port)
                .doc("The port of the gRPC API, of its reflection and of its health service.")
                .flag("grpc-port", "PORT")
                .common(),
            number("MaxRequestBytes", "bytes", 1_024, GIBIBYTE, "8388608", |c, n| c.http.body_bytes_max = n as usize)
                .doc("The longest request: an HTTP body (refused with status 413), a gRPC message (RESOURCE_EXHAUSTED)."),
            port("JsonRpcPort", "36791", |_, _| {})
                .doc("JSON-RPC has no port of its own, neither here nor in DTM.")
                .unused(DEAD),
            words("AdminBasePath", "").doc("The path of the admin pages.").unused("this version has no admin pages"),
        ],
    },
    Group {
        title: "Store",
        settings: &[
            text(
                "Store.Driver",
                "sled (or boltdb, which means sled), mysql (also MariaDB), postgres or redis; sqlserver is not in this \
                 version",
                "sled",
                driver,
            )
            .doc(
                "Where transactions are kept: sled is embedded, for one server and one machine; a database or \
                 Redis is shared by any number of servers.",
            )
            .flag("store", "DRIVER")
            .common(),
            text("Store.Path", "a folder", "./dtm-data", |c, text| {
                (!text.is_empty()).then(|| c.store.path = PathBuf::from(text))
            })
            .doc("The folder of the embedded store. It is created when it is missing. One server at a time.")
            .flag("data", "FOLDER")
            .common(),
            number("Store.FinishedDataExpire", "seconds", 1, 10 * YEAR, "86400", |c, n| {
                c.store.finished_data_expire = Seconds::new(n);
            })
            .doc("How long a finished transaction stays visible. Unfinished ones never expire.")
            .common(),
            number("Store.DataExpire", "seconds", 1, 10 * YEAR, "604800", |c, n| {
                c.store.data_expire = Seconds::new(n);
            })
            .doc(
                "How long DTM keeps any transaction. Here it stands for Store.FinishedDataExpire where that is not \
                 given; unfinished ones never expire.",
            ),
            words("Store.Host", "")
                .form("a name or an IP address; for a Redis cluster several with their ports, separated by ','", |c, text| {
                    host(text).map(|host| c.store.database.host = host)
                })
                .of_databases()
.doc("The host of the database. For a Redis cluster: host:port,host:port,... of some of its members.")
                .common(),
            text("Store.Port", "a port; empty or 0 means the usual one of the database", "", |c, text| {
                c.store.database.port = match text {
                    "" | "0" => None,
                    port => Some(port.parse().ok()?),
                };
                Some(())
            })
            .of_databases()
.doc("The port of the database.")
            .common(),
            words("Store.User", "").of_databases()
.doc("Who logs in to the database.").common().kept(|c, text| c.store.database.user = text),
            words("Store.Password", "").of_databases()
.doc("The password of that user.").secret().common().kept(|c, text| c.store.database.password = text),
            text("Store.Db", "the name of a database", "dtm", |c, text| {
                (!text.is_empty()).then(|| text.clone_into(&mut c.store.database.name))
            })
            .of_databases()
.doc("The name of the database. It has to exist; its tables are made by the server. Redis has none.")
            .common(),
            text("Store.Schema", "the name of a schema", "public", |c, text| {
                (!text.is_empty()).then(|| text.clone_into(&mut c.store.database.schema))
            })
            .of_databases()
.doc("The schema in PostgreSQL. It has to exist. Other databases have none."),
            text("Store.Tls", "off, prefer, require, verify-ca or verify-full", "prefer", |c, text| {
                c.store.database.tls = match text {
                    "off" => TlsMode::Off,
                    "prefer" => TlsMode::Prefer,
                    "require" => TlsMode::Require,
                    "verify-ca" => TlsMode::VerifyAuthority,
                    "verify-full" => TlsMode::VerifyHost,
                    _ => return None,
                };
                Some(())
            })
            .of_databases()
.doc(
                "Whether the connection to the database is encrypted: prefer encrypts when the database can, require \
                 always; verify-ca checks the authority of its certificate too, verify-full also the name of the host.",
            ),
            text("Store.TlsCa", "a file", "", |c, text| {
                c.store.database.tls_authorities = (!text.is_empty()).then(|| PathBuf::from(text));
                Some(())
            })
            .of_databases()
.doc(
                "A file in PEM with the certificates of the authorities that are trusted, for verify-ca and verify-full. \
                 Empty: those of the system.",
            ),
            text(
                "Store.MaxOpenConns",
                "0 (no limit), or a whole number of connections from 5 to 100000",
                "500",
                |c, text| {
                    c.store.database.connections_max = match text.parse::<usize>().ok()? {
                        0 => None,
                        number @ 5..=100_000 => NonZeroUsize::new(number),
                        _ => return None,
                    };
                    Some(())
                },
            )
            .of_databases()
.doc("Connections to the database at most. The server opens 14 at most by itself."),
            number("Store.MaxIdleConns", "connections", 0, 100_000, "500", |_, _| {})
                .doc("Idle connections to the database.")
                .unused("the few connections that there are stay open until they are too old"),
            number("Store.ConnMaxLifeTime", "minutes", 0, 525_600, "5", |c, n| {
                c.store.database.connection_age_max = (n > 0).then(|| Duration::from_secs(u64::from(n) * 60));
            })
            .of_databases()
.doc("How long a connection to MariaDB, MySQL or PostgreSQL is used at most. 0: as long as it works, as in Redis."),
            text("Store.RedisPrefix", "some text, without braces but around it", "{a}", |c, text| {
                let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
                let usable = !inner.is_empty() && !inner.contains(['{', '}']) && !inner.contains(char::is_control);
                usable.then(|| text.clone_into(&mut c.store.database.redis.prefix))
            })
            .of_databases()
            .doc(
                "What the names of all keys in Redis begin with; servers that share a store have the same. Braces around it \
                 are taken off: transactions are spread over many slots, {a:0} to {a:63}, not kept in one.",
            ),
            number("Store.RedisWaitReplicas", "replicas", 0, 100, "0", |c, n| {
                c.store.database.redis.replicas = NonZeroUsize::new(n as usize);
            })
            .of_databases()
            .doc(
                "How many replicas of Redis have to have a write before it is acknowledged. With fewer it is unknown, and \
                 looked at again. It makes losses by a fail-over of Redis unlikely.",
            ),
            number("Store.RedisWaitTimeout", "milliseconds", 1, 60_000, "1000", |c, n| {
                c.store.database.redis.replicas_timeout = Duration::from_millis(u64::from(n));
            })
            .of_databases()
            .doc("How long to wait for these replicas."),
        ],
    },
    Group {
        title: "Transactions",
        settings: &[
            number("RetryInterval", "seconds", 10, DAY, "10", |c, n| c.policy.retry_interval = Seconds::new(n))
                .doc(
                    "What the pause between two tries of a branch begins with, unless the transaction has its own. After a try that \
                     fails it is doubled, so the first one is twice this; after one that is still at it, it stays.",
                )
                .common(),
            number("RetryIntervalMax", "seconds", 10, 30 * DAY, "300", |c, n| {
                c.policy.retry_interval_max = Seconds::new(n);
            })
            .doc("The pause doubles with each failing try up to this.")
            .common(),
            number("TimeoutToFail", "seconds", 1, YEAR, "35", |c, n| c.policy.timeout_to_fail = Seconds::new(n))
                .doc("How long a TCC, XA or message may stay prepared. Not less than RetryInterval.")
                .common(),
            number("RequestTimeout", "seconds", 1, DAY, "3", |c, n| c.policy.request_timeout = Seconds::new(n))
                .doc("How long one call to a branch may take, unless the transaction has its own time-out.")
                .common(),
            text("ResultProtocol", "compat, legacy or strict", "compat", |c, text| {
                c.result_protocol = ResultProtocol::parse(text).ok()?;
Some(())
            })
            .doc(
                "How a branch's answer is read: status code, then the field dtm_result (compat); \
                 the words FAILURE and ONGOING anywhere in the body, as DTM does (legacy); status code only (strict).",
            )
            .common(),
            switch("UpdateBranchSync", "0", |c, on| c.policy.defer_progress = !on).doc(
                "1 writes each finished step on its own. 0 lets it ride on the next write of the transaction, for at \
                 most 100 ms; after a crash such a step is called again.",
            ),
            number("UpdateBranchAsyncGoroutineNum", "tasks", 0, 10_000, "1", |_, _| {})
                .doc("Workers that write finished steps in DTM.")
                .unused("finished steps ride on the next write instead"),
            number("MaxBranches", "branches", 1, 100_000, "10000", |c, n| {
                c.policy.limits.branches_max = n as usize;
            })
            .doc("Steps or registered branches of one transaction."),
            number("MaxCustomDataBytes", "bytes", 0, GIBIBYTE, "1048576", |c, n| {
                c.limits.custom_data_bytes_max = n as usize;
            })
            .doc("The longest custom_data of a transaction."),
            number("MaxUrlBytes", "bytes", 1, 65_536, "8192", |c, n| c.limits.url_bytes_max = n as usize)
                .doc("The longest URL of a branch or a back-check."),
            number("MaxBranchHeaderBytes", "bytes", 0, 1 << 20, "16384", |c, n| {
                c.limits.header_bytes_max = n as usize;
            })
            .doc("Names and values of the branch_headers of a transaction altogether."),
            number("MaxWaitResult", "seconds", 1, DAY, "60", |c, n| c.limits.wait_result_max = seconds(n))
                .doc("How long a request with wait_result waits at most before it is answered as still running."),
        ],
    },
    Group {
        title: "Running",
        settings: &[
            number("TransCronInterval", "seconds", 1, 3_600, "3", |c, n| c.runner.poll_interval = seconds(n))
                .doc(
                    "The longest pause between two looks for transactions that nobody drives. On a store that servers share \
                     it is a sixth of NodeTimeout at most, so that what a dead server was driving is found soon.",
                ),
            words("NodeName", "")
                .form("1 to 64 bytes without ':' and control characters", |c, text| {
                    c.runner.node_name = match text {
                        "" => None,
                        name => Some(NodeName::parse(name).ok()?.as_str().to_owned()),
                    };
                    Some(())
                })
                .doc(
                    "The name of this server among those that share its store; no two may have the same. Empty: the \
                     server makes one at each start. With a fixed name a restarted server takes up its own \
                     transactions at once, without one after NodeTimeout.",
                )
                // NODE_NAME, the usual name, is the machine's in many a Kubernetes manifest.
                .variable("DTM_NODE_NAME"),
            number("NodeTimeout", "seconds", 2, 3_600, "3", |c, n| c.runner.node_timeout = seconds(n))
                .doc(
                    "A server that gave no sign of life for so long is dead; others take over what it drives. Each server \
                     says this for itself; those that share a store may differ.",
                ),
            number("MaxActiveTransactions", "transactions", 1, 10_000_000, "10000", |c, n| {
                c.runner.active_max = n as usize;
            })
            .doc("Transactions that wait in memory for their next try. More than that wait in the store."),
            number("MaxRetriesPerDestination", "calls", 1, 10_000, "64", |c, n| {
                c.transport.retries_per_destination = n as usize;
            })
            .doc("Retried calls to one host and port at the same time. First tries are not limited."),
            number("MaxResponseBytes", "bytes", 1_024, GIBIBYTE, "1048576", |c, n| {
                c.transport.response_bytes_max = n as usize;
            })
            .doc("How much of a branch's answer is read."),
            number("DrainTimeout", "seconds", 0, 3_600, "10", |c, n| c.runner.drain_timeout = seconds(n))
                .doc("How long running transactions may take to reach a resting point after SIGTERM."),
            number("ConfigUpdateInterval", "seconds", 1, DAY, "3", |_, _| {})
                .doc("How often DTM reads its topics again.")
                .unused("a changed topic is visible at once"),
            words("TimeZoneOffset", "")
                .doc("The time zone in which DTM writes times.")
                .unused("times are stored as points in time and shown with their offset"),
        ],
    },
    Group {
        title: "Alerts and logs",
        settings: &[
            words("AlertWebHook", "")
                .form("an http or https URL", |c, text| {
                    c.alert.web_hook = match text {
                        "" => None,
                        url => Some(web_url(url)?),
                    };
                    Some(())
                })
                .doc("The URL that is told, by a POST, about transactions that are stuck.")
                .secret()
                .common(),
            number("AlertRetryLimit", "tries", 0, 1_000, "3", |c, n| c.policy.alert_retry_limit = n)
                .doc("Failing tries in a row from which on an alert is sent."),
            text("LogLevel", "trace, debug, info, warn or error", "info", log_level)
                .doc("The least important level that is logged. Payloads are never logged above trace, secrets never.")
                .common(),
            text("Log.Format", "text or json", "text", |c, text| {
                c.log.format = match text {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => return None,
                };
                Some(())
            })
            .doc("Lines for people, or one JSON object a line."),
            text("Log.Outputs", "stderr, stdout or names of files, separated by '|'", "stderr", log_outputs)
                .doc("Where the log goes."),
            switch("Log.RotationEnable", "0", |_, _| {})
                .doc("Whether DTM rotates its log files.")
                .unused("use logrotate with copytruncate, or log to stderr"),
            words("Log.RotationConfigJSON", "{}")
                .doc("How DTM rotates its log files.")
                .unused("use logrotate with copytruncate, or log to stderr"),
        ],
    },
    Group {
        title: "Service discovery",
        settings: &[
            text("Discovery.Services", "name=host:port,host:port;name=...", "", |c, text| {
                c.transport.discovery.services = StaticServices::parse(text)?;
                Some(())
            })
            .doc(
                "The services of static://NAME URLs, each with its addresses, which are called in turn: \
                 stock=10.0.0.1:8080,10.0.0.2:8080;pay=pay-1:50051",
            ),
            text("Discovery.NameServers", "address:port, separated by ','", "", |c, text| {
                let servers = text.split(',').map(str::trim).filter(|server| !server.is_empty());
                c.transport.discovery.name_servers = servers.map(|server| server.parse().ok()).collect::<Option<_>>()?;
                Some(())
            })
            .doc("The name servers that are asked for dns:// and dns+srv:// URLs. Empty: those of the system."),
            number("Discovery.MaxAge", "seconds", 1, DAY, "30", |c, n| c.transport.discovery.age_max = seconds(n)).doc(
                "For how long the addresses of a service are used at most before they are looked up again. A shorter \
                 time to live in DNS counts; an address that cannot be reached has them looked up at once.",
            ),
            text("MicroService.Driver", "default: branches of other drivers cannot be called", "default", |_, text| {
                matches!(text, "default" | "").then_some(())
            })
            .doc("DTM's driver for services. The forms of URLs that are served are in docs/COMPATIBILITY.md."),
            words("MicroService.Target", "").doc("Where DTM registers itself.").secret().unused(NO_DISCOVERY),
            words("MicroService.EndPoint", "").doc("What DTM registers.").secret().unused(NO_DISCOVERY),
            words("HttpMicroService.Driver", "").doc("DTM's driver for HTTP services.").unused(DEAD),
            words("HttpMicroService.RegistryType", "").doc("The kind of the registry.").unused(DEAD),
            words("HttpMicroService.RegistryAddress", "").doc("The address of the registry.").secret().unused(DEAD),
            words("HttpMicroService.RegistryOptions", "").doc("Options of the registry.").secret().unused(DEAD),
            words("HttpMicroService.Target", "").doc("Where DTM registers itself.").secret().unused(DEAD),
            words("HttpMicroService.EndPoint", "").doc("What DTM registers.").secret().unused(DEAD),
            words("GrpcServiceConfig", "")
                .doc("How gRPC calls are balanced.")
                .unused("the addresses of a service are always called in turn"),
            words("IsDocker", "")
                .doc("When set, DTM calls host.docker.internal for localhost and 127.0.0.1.")
                .unused("branches are called where their URLs say: write host.docker.internal there"),
        ],
    },
];

const fn new(path: &'static str, default: &'static str, kind: Kind) -> Setting {
    Setting {
        path,
        kind,
        default,
        doc: "",
        variable: None,
        flag: None,
        unused: None,
        secret: false,
        common: false,
        of_databases: false,
    }
}

const fn number(
    path: &'static str,
    unit: &'static str,
    min: u32,
    max: u32,
    default: &'static str,
    apply: fn(&mut Config, u32),
) -> Setting {
    new(path, default, Kind::Number { unit, min, max, apply })
}

const fn port(path: &'static str, default: &'static str, apply: fn(&mut Config, u16)) -> Setting {
    new(path, default, Kind::Port { apply })
}

const fn switch(path: &'static str, default: &'static str, apply: fn(&mut Config, bool)) -> Setting {
    new(path, default, Kind::Switch { apply })
}

const fn text(
    path: &'static str,
    allowed: &'static str,
    default: &'static str,
    apply: fn(&mut Config, &str) -> Option<()>,
) -> Setting {
    new(path, default, Kind::Text { allowed, apply })
}

/// No URL and no path of a socket.
fn host(text: &str) -> Option<String> {
    let plain =
        text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']' | ','));
    let several = text.contains(',');
    plain.then(|| {
        if several { text.to_owned() } else { text.trim_start_matches('[').trim_end_matches(']').to_owned() }
    })
}

/// Any text at all.
const fn words(path: &'static str, default: &'static str) -> Setting {
    text(path, "any text", default, |_, _| Some(()))
}

impl Setting {
    const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    const fn form(self, allowed: &'static str, apply: fn(&mut Config, &str) -> Option<()>) -> Self {
        Self { kind: Kind::Text { allowed, apply }, ..self }
    }

    /// Any text, kept as it is.
    const fn kept(self, apply: fn(&mut Config, String)) -> Self {
        Self { kind: Kind::Words { apply }, ..self }
    }

    /// It has no effect on the embedded store.
    const fn of_databases(self) -> Self {
        Self { of_databases: true, ..self }
    }

    /// Its environment variable does not have the usual name.
    const fn variable(self, name: &'static str) -> Self {
        Self { variable: Some(name), ..self }
    }

    const fn flag(self, name: &'static str, value: &'static str) -> Self {
        Self { flag: Some((name, value)), ..self }
    }

    const fn unused(self, why: &'static str) -> Self {
        Self { unused: Some(why), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn common(self) -> Self {
        Self { common: true, ..self }
    }
}

const fn seconds(number: u32) -> Duration {
    Duration::from_secs(number as u64)
}

/// Stores of DTM that this version lacks pass here: whether the start stops is known once it is clear which of
/// the sources wins.
fn driver(config: &mut Config, text: &str) -> Option<()> {
    match text {
        "sled" | "boltdb" => config.store.driver = StoreDriver::Sled,
        "mysql" => config.store.driver = StoreDriver::Mysql,
        "postgres" => config.store.driver = StoreDriver::Postgres,
        "redis" => config.store.driver = StoreDriver::Redis,
        "sqlserver" => {}
        _ => return None,
    }
    Some(())
}

fn web_url(text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let scheme = url.scheme_str()?;
    (matches!(scheme, "http" | "https") && url.host().is_some_and(|host| !host.is_empty()))
        .then(|| text.to_owned())
}

fn log_level(config: &mut Config, text: &str) -> Option<()> {
    config.log.level = match text.to_ascii_lowercase().as_str() {
        "trace" => tracing::Level::TRACE,
        "debug" => tracing::Level::DEBUG,
        "info" => tracing::Level::INFO,
        "warn" => tracing::Level::WARN,
        "error" => tracing::Level::ERROR,
        _ => return None,
    };
    Some(())
}

fn log_outputs(config: &mut Config, text: &str) -> Option<()> {
    let output = |name: &str| match name.trim() {
        "" => None,
        "stderr" => Some(LogOutput::Stderr),
        "stdout" => Some(LogOutput::Stdout),
        file => Some(LogOutput::File(PathBuf::from(file))),
    };
    config.log.outputs = text.split('|').map(output).collect::<Option<Vec<_>>>()?;
    Some(())
}

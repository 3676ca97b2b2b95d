//! One struct per component, handed in as values. Nothing here reads anything.

use std::fmt;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use dtm_core::coordinator::Policy;
use dtm_core::model::Seconds;
use dtm_proto::outcome::ResultProtocol;

use super::StaticServices;

/// Everything that the server can be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The HTTP side.
    pub http: HttpConfig,
    /// The gRPC side.
    pub grpc: GrpcConfig,
    /// Where transactions are kept.
    pub store: StoreConfig,
    /// What decisions depend on.
    pub policy: Policy,
    /// How transactions are driven.
    pub runner: RunnerConfig,
    /// How branches are called.
    pub transport: TransportConfig,
    /// How the answer of a branch is read (decision 3).
    pub result_protocol: ResultProtocol,
    /// Who is told about stuck transactions.
    pub alert: AlertConfig,
    /// What is logged, and where.
    pub log: LogConfig,
    /// What a request may bring at most.
    pub limits: RequestLimits,
}

/// The HTTP side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The port to listen on; 0 lets the system choose a free one.
    pub port: u16,
    /// The longest request body in bytes.
    pub body_bytes_max: usize,
    /// The longest head of a request (request line and headers, or metadata) in bytes.
    pub head_bytes_max: u32,
    /// How long the head of a request may take from its first byte.
    pub head_timeout: Duration,
    /// How long a connection may be idle; longer than what common clients keep theirs for.
    pub idle_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// Connections that are served at the same time; further ones wait.
    pub connections_max: usize,
}

/// The gRPC side. It listens on the same address as the HTTP side, and its messages may be as long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcConfig {
    /// The port to listen on; 0 lets the system choose a free one.
    pub port: u16,
    /// How long a connection may be without a call; after it the client is asked to leave.
    pub idle_timeout: Duration,
    /// Connections that are served at the same time; further ones wait.
    pub connections_max: usize,
    /// Calls of one connection that are served at the same time; the client makes further ones wait.
    pub calls_max: u32,
    /// How often a connection is asked whether its peer is there.
    pub ping_interval: Duration,
    /// How long the answer to that may take.
    pub ping_timeout: Duration,
}

/// Where transactions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Which store.
    pub driver: StoreDriver,
    /// The folder of the embedded store.
    pub path: PathBuf,
    /// The server of the other stores.
    pub database: DatabaseConfig,
    /// How long a finished transaction stays visible. Unfinished ones never expire (decision 12).
    pub finished_data_expire: Seconds,
    /// The name that DTM has for it in its embedded store; used where only that one is given.
    pub data_expire: Seconds,
}

/// The stores that this version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreDriver {
    /// The embedded store.
    Sled,
    /// MariaDB or MySQL.
    Mysql,
    /// PostgreSQL.
    Postgres,
    /// Redis, a single server or a cluster.
    Redis,
}

impl Config {
    /// The longest pause between two looks for transactions that nobody drives. What a dead server was driving has to be
    /// found soon after its time-out, so a store that servers share is looked at more often than an embedded one.
    #[must_use]
    pub fn longest_pause_between_looks(&self) -> Duration {
        let longest = self.runner.poll_interval;
        if self.store.driver.is_shared() { longest.min(self.runner.node_timeout / 6) } else { longest }
    }
}

impl StoreDriver {
    /// Whether several servers can share such a store.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Sled => false,
            Self::Mysql | Self::Postgres | Self::Redis => true,
        }
    }
}

/// Where a database is, and how to talk to it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// A name or an address; of a Redis cluster several, separated by `,`, each with its port.
    pub host: String,
    /// `None`: the usual one of that database.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: String,
    /// Never logged.
    pub password: String,
    /// The name of the database.
    pub name: String,
    /// The schema in PostgreSQL.
    pub schema: String,
    /// Whether the connection is encrypted, and what of the other side is checked.
    pub tls: TlsMode,
    /// The file with the certificates of the authorities that are trusted. `None`: those of the system.
    pub tls_authorities: Option<PathBuf>,
    /// How many connections to open at most. `None`: as many as are of use.
    pub connections_max: Option<NonZeroUsize>,
    /// How long a connection is used at most. `None`: as long as it works.
    pub connection_age_max: Option<Duration>,
    /// What only Redis has.
    pub redis: RedisSettings,
}

/// What only Redis has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// What the names of all keys begin with.
    pub prefix: String,
    /// How many replicas have to have a write before it is acknowledged. `None`: none.
    pub replicas: Option<NonZeroUsize>,
    /// How long to wait for them.
    pub replicas_timeout: Duration,
}

/// Whether a connection to a database is encrypted, and what of the other side is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never encrypted.
    Off,
    /// Encrypted when the database can; nothing is checked.
    Prefer,
    /// Encrypted, nothing is checked.
    Require,
    /// Encrypted; the certificate has to be of a trusted authority.
    VerifyAuthority,
    /// Encrypted; the certificate has to be of a trusted authority, and for that host.
    VerifyHost,
}

/// How transactions are driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerConfig {
    /// The name of this server among those that share its store. `None`: the server makes one.
    pub node_name: Option<String>,
    /// A server whose heartbeat is older than this is dead, and others take over what it drives.
    pub node_timeout: Duration,
    /// The longest pause between two looks for transactions that nobody drives.
    pub poll_interval: Duration,
    /// Transactions that wait in memory for their next try; past it they wait in the store.
    pub active_max: usize,
    /// Transactions that are claimed from the store at once.
    pub claim_batch: usize,
    /// How long running passes may take to end after SIGTERM.
    pub drain_timeout: Duration,
    /// How long "step k succeeded" may stay in memory only.
    pub flush_after: Duration,
}

/// How branches are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportConfig {
    /// How many bytes of a branch's answer are read at most.
    pub response_bytes_max: usize,
    /// Retried and recovered calls to one destination that may be out at the same time.
    pub retries_per_destination: usize,
    /// How long a connection may take to come about. It counts towards the time-out of the call.
    pub connect_timeout: Duration,
    /// Idle connections that are kept for one destination.
    pub idle_per_destination: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How addresses of services are found.
    pub discovery: DiscoveryConfig,
}

/// How addresses of services are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryConfig {
    /// What `static://NAME` means.
    pub services: StaticServices,
    /// The name servers that are asked. Empty: those of the system.
    pub name_servers: Vec<SocketAddr>,
    /// For how long addresses are used at most before they are looked up again.
    pub age_max: Duration,
}

/// Who is told about stuck transactions.
#[derive(Clone, PartialEq, Eq)]
pub struct AlertConfig {
    /// The URL that alerts are posted to. `None`: alerts are only logged. Often holds a token: never log it.
    pub web_hook: Option<String>,
    /// Alerts that wait to be sent; past it new ones are dropped and counted.
    pub queue_max: usize,
    /// How long one alert may take to be sent.
    pub timeout: Duration,
}

/// What is logged, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important level that is logged.
    pub level: tracing::Level,
    /// How a line looks.
    pub format: LogFormat,
    /// Where lines go. Never empty.
    pub outputs: Vec<LogOutput>,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where lines of the log go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
    /// The end of a file, which is created when it is missing.
    File(PathBuf),
}

/// What a request may bring at most. Over it the request is refused and the limit named (decisions 11, 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLimits {
    /// The longest `custom_data` in bytes.
    pub custom_data_bytes_max: usize,
    /// The longest URL in bytes.
    pub url_bytes_max: usize,
    /// Names and values of `branch_headers` altogether, in bytes.
    pub header_bytes_max: usize,
    /// How long a request with `wait_result` waits at most.
    pub wait_result_max: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 36_789,
            body_bytes_max: 8 << 20,
            head_bytes_max: 64 << 10,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            body_timeout: Duration::from_secs(30),
            connections_max: 10_000,
        }
    }
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            port: 36_790,
            idle_timeout: Duration::from_secs(300),
            connections_max: 10_000,
            calls_max: 1_000,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            driver: StoreDriver::Sled,
            path: PathBuf::from("./dtm-data"),
            database: DatabaseConfig::default(),
            finished_data_expire: Seconds::new(86_400),
            data_expire: Seconds::new(604_800),
        }
    }
}

impl StoreConfig {
    /// The embedded store in that folder, which is made when it is missing.
    #[must_use]
    pub fn sled(folder: impl Into<PathBuf>) -> Self {
        Self { path: folder.into(), ..Self::default() }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            user: String::new(),
            password: String::new(),
            name: "dtm".to_owned(),
            schema: "public".to_owned(),
            tls: TlsMode::Prefer,
            tls_authorities: None,
            connections_max: NonZeroUsize::new(500),
            connection_age_max: Some(Duration::from_secs(300)),
            redis: RedisSettings {
                prefix: "{a}".to_owned(),
                replicas: None,
                replicas_timeout: Duration::from_secs(1),
            },
        }
    }
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            node_name: None,
            node_timeout: Duration::from_secs(3),
            poll_interval: Duration::from_secs(3),
            active_max: 10_000,
            claim_batch: 100,
            drain_timeout: Duration::from_secs(10),
            flush_after: Duration::from_millis(100),
        }
    }
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            response_bytes_max: 1 << 20,
            retries_per_destination: 64,
            connect_timeout: Duration::from_secs(2),
            idle_per_destination: 512,
            idle_timeout: Duration::from_secs(60),
            discovery: DiscoveryConfig::default(),
        }
    }
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            services: StaticServices::default(),
            name_servers: Vec::new(),
            age_max: Duration::from_secs(30),
        }
    }
}

impl Default for AlertConfig {
    fn default() -> Self {
        Self { web_hook: None, queue_max: 1_000, timeout: Duration::from_secs(5) }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: tracing::Level::INFO, format: LogFormat::Text, outputs: vec![LogOutput::Stderr] }
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            custom_data_bytes_max: 1 << 20,
            url_bytes_max: 8 << 10,
            header_bytes_max: 16 << 10,
            wait_result_max: Duration::from_secs(60),
        }
    }
}

impl StoreDriver {
    /// The value of `Store.Driver`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("name", &self.name)
            .field("schema", &self.schema)
            .field("tls", &self.tls)
            .field("tls_authorities", &self.tls_authorities)
            .field("connections_max", &self.connections_max)
            .field("connection_age_max", &self.connection_age_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AlertConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertConfig")
            .field("web_hook", &self.web_hook.as_ref().map(|_| "***"))
            .field("queue_max", &self.queue_max)
            .field("timeout", &self.timeout)
            .finish()
    }
}

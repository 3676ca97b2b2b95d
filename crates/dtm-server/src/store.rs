//! Opening the store that the configuration names.

use std::sync::Arc;

use dtm_store::owner::OwnerError;
use dtm_store::{Clock, NodeName, Store};
use dtm_store_redis::{RedisConfig, RedisStore, Replicas};
use dtm_store_sled::{SledConfig, SledStore};
use dtm_store_sql::{SqlConfig, SqlStore};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use short_uuid::ShortUuid;

use crate::config::{Config, DatabaseConfig, StoreDriver, TlsMode};

/// The name of the only server of an embedded store: each start is a new epoch of the same node, so that what
/// the last start was driving is taken up at once.
const EMBEDDED_NODE: &str = "embedded";

/// Everything that could mean something in a URL.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Opens it; for a database, makes or upgrades its tables when that is needed.
///
/// # Errors
/// The store's own, which says what to do.
pub async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, dtm_store::Error> {
    match config.store.driver {
        StoreDriver::Sled => {
            let settings = SledConfig {
                clock: Arc::clone(clock),
                node_timeout: config.runner.node_timeout,
                ..SledConfig::new(&config.store.path)
            };
            Ok(Arc::new(SledStore::open(settings).await?))
        }
        StoreDriver::Mysql => open_sql(sql(config, mysql_url(&config.store.database))).await,
        StoreDriver::Postgres => open_sql(sql(config, postgres_url(&config.store.database))).await,
        StoreDriver::Redis => open_redis(redis(config)).await,
    }
}

/// Opens what is there and makes nothing: `None` when there is nothing, or tables of an older version. Never an embedded
/// store, which cannot be opened without writing into its folder.
///
/// # Errors
/// The store's own, which says what to do.
pub(crate) async fn open_existing(config: &Config) -> Result<Option<Arc<dyn Store>>, dtm_store::Error> {
    let existing = |url| SqlConfig { make_tables: false, ..sql(config, url) };
    let opened = match config.store.driver {
        StoreDriver::Sled => return Ok(None),
        StoreDriver::Mysql => open_sql(existing(mysql_url(&config.store.database))).await,
        StoreDriver::Postgres => open_sql(existing(postgres_url(&config.store.database))).await,
        StoreDriver::Redis => open_redis(RedisConfig { set_up: false, ..redis(config) }).await,
    };
    match opened {
        Ok(store) => Ok(Some(store)),
        Err(dtm_store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn open_sql(settings: SqlConfig) -> Result<Arc<dyn Store>, dtm_store::Error> {
    Ok(Arc::new(SqlStore::open(settings).await?))
}

async fn open_redis(settings: RedisConfig) -> Result<Arc<dyn Store>, dtm_store::Error> {
    Ok(Arc::new(RedisStore::open(settings).await?))
}

/// The name of this server among those that share its store.
pub(crate) fn node_name(config: &Config) -> Result<NodeName, OwnerError> {
    match (&config.runner.node_name, config.store.driver) {
        (Some(name), _) => NodeName::parse(name),
        (None, StoreDriver::Sled) => NodeName::parse(EMBEDDED_NODE),
        // Never the same twice: two servers under one name would end each other.
        (None, StoreDriver::Mysql | StoreDriver::Postgres | StoreDriver::Redis) => {
            NodeName::parse(&format!("server-{}", ShortUuid::generate()))
        }
    }
}

/// Where transactions are kept, in words and without secrets.
///
/// # Errors
/// When the folder cannot be named in full because the working directory is gone.
pub fn described(config: &Config) -> std::io::Result<String> {
    let database = |kind: &str, port: u16| {
        let DatabaseConfig { host, name, port: given, .. } = &config.store.database;
        format!(
            "{kind} at {host}:{}, database {name}; any number of servers may share it",
            given.unwrap_or(port)
        )
    };
    Ok(match config.store.driver {
        StoreDriver::Sled => {
            let folder = std::path::absolute(&config.store.path)?;
            format!("sled in {}, for this server and this machine only", folder.display())
        }
        StoreDriver::Mysql => database("mysql", MYSQL_PORT),
        StoreDriver::Postgres => database("postgres", POSTGRES_PORT),
        StoreDriver::Redis => format!(
            "redis at {}, prefix {}; any number of servers may share it",
            redis_addresses(&config.store.database).join(","),
            config.store.database.redis.prefix
        ),
    })
}

const MYSQL_PORT: u16 = 3306;
const POSTGRES_PORT: u16 = 5432;
const REDIS_PORT: u16 = 6379;

fn sql(config: &Config, url: String) -> SqlConfig {
    let mut settings = SqlConfig::new(url);
    settings.node_timeout = config.runner.node_timeout;
    settings.connection_age_max = config.store.database.connection_age_max;
    if let Some(most) = config.store.database.connections_max {
        settings.limit_connections(most);
    }
    settings
}

fn redis(config: &Config) -> RedisConfig {
    let database = &config.store.database;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let defaults = RedisConfig::new(redis_addresses(database));
    RedisConfig {
        user: given(&database.user),
        password: given(&database.password),
        // Redis cannot be asked whether it can: what only prefers TLS goes without
        tls: database.tls == TlsMode::VerifyHost,
        prefix: database.redis.prefix.clone(),
        node_timeout: config.runner.node_timeout,
        connections: database
            .connections_max
            .map_or(defaults.connections, |most| most.min(defaults.connections)),
        replicas: database
            .redis
            .replicas
            .map(|count| Replicas { count, timeout: database.redis.replicas_timeout }),
        ..defaults
    }
}

/// Each with its port: one that is given with a host, or the one of all.
fn redis_addresses(database: &DatabaseConfig) -> Vec<String> {
    let port = database.port.unwrap_or(REDIS_PORT);
    let hosts = database.host.split(',').map(str::trim).filter(|host| !host.is_empty());
    let address = |host: &str| match host.rsplit_once(':') {
        // an address of IPv6 has colons of its own
        Some((name, _)) if !name.contains(':') || name.ends_with(']') => host.to_owned(),
        Some(_) if !host.starts_with('[') => format!("[{host}]:{port}"),
        _ => format!("{host}:{port}"),
    };
    hosts.map(address).collect()
}

fn mysql_url(database: &DatabaseConfig) -> String {
    let mode = match database.tls {
        TlsMode::Off => "DISABLED",
        TlsMode::Prefer => "PREFERRED",
        TlsMode::Require => "REQUIRED",
        TlsMode::VerifyAuthority => "VERIFY_CA",
        TlsMode::VerifyHost => "VERIFY_IDENTITY",
    };
    let mut parameters = vec![("ssl-mode", mode.to_owned())];
    parameters.extend(authorities(database, "ssl-ca"));
    url("mysql", database, MYSQL_PORT, &parameters)
}

fn postgres_url(database: &DatabaseConfig) -> String {
    let mode = match database.tls {
        TlsMode::Off => "disable",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyAuthority => "verify-ca",
        TlsMode::VerifyHost => "verify-full",
    };
    // in quotes it is one name, whatever is in it
    let schema = format!("\"{}\"", database.schema.replace('"', "\"\""));
    let mut parameters = vec![("sslmode", mode.to_owned()), ("options[search_path]", schema)];
    parameters.extend(authorities(database, "sslrootcert"));
    url("postgres", database, POSTGRES_PORT, &parameters)
}

fn authorities(database: &DatabaseConfig, parameter: &'static str) -> Option<(&'static str, String)> {
    database.tls_authorities.as_ref().map(|file| (parameter, file.display().to_string()))
}

fn url(scheme: &str, database: &DatabaseConfig, port: u16, parameters: &[(&str, String)]) -> String {
    let quoted = |text: &str| utf8_percent_encode(text, QUOTED).to_string();
    let host =
        if database.host.contains(':') { format!("[{}]", database.host) } else { database.host.clone() };
    let port = database.port.unwrap_or(port);
    let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    format!(
        "{scheme}://{}:{}@{host}:{port}/{}?{}",
        quoted(&database.user),
        quoted(&database.password),
        quoted(&database.name),
        query.join("&")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_of_a_cluster_has_a_port_of_its_own_or_that_of_all() {
        let addresses = |host: &str, port: Option<u16>| {
            redis_addresses(&DatabaseConfig { host: host.to_owned(), port, ..DatabaseConfig::default() })
        };
        assert_eq!(addresses("redis", None), ["redis:6379"]);
        assert_eq!(addresses("10.0.0.1", Some(7000)), ["10.0.0.1:7000"]);
        assert_eq!(addresses("a:1, b:2,c", Some(3)), ["a:1", "b:2", "c:3"]);
        assert_eq!(addresses("::1", None), ["[::1]:6379"]);
        assert_eq!(addresses("[::1]:7,[::2]", Some(8)), ["[::1]:7", "[::2]:8"]);
    }
}

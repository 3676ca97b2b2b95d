//! Databases and caches that have to be there already.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::process::Command;

use super::Result;

/// The example lacks something that it does not start itself.
#[derive(Debug)]
pub(super) struct Skipped(String);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SKIPPED ({})", self.0)
    }
}

impl Error for Skipped {}

/// The URL of a MariaDB: what `MARIADB_URL` says, else that of `tests/services/mariadb.sh`.
///
/// # Errors
/// When there is none. The example ends as skipped then.
pub fn mariadb_url() -> Result<String> {
    url("mariadb", "mysql")
}

/// The URL of a PostgreSQL: what `POSTGRES_URL` says, else that of `tests/services/postgres.sh`.
///
/// # Errors
/// As [`mariadb_url`].
pub fn postgres_url() -> Result<String> {
    url("postgres", "postgres")
}

/// The URL of a Redis: what `REDIS_URL` says, else that of `tests/services/redis.sh`.
///
/// # Errors
/// As [`mariadb_url`].
pub fn redis_url() -> Result<String> {
    url("redis", "redis")
}

#[expect(clippy::disallowed_methods, reason = "an argument of an example, not a setting of the server")]
fn url(service: &str, scheme: &str) -> Result<String> {
    let prefix = service.to_ascii_uppercase();
    let variable = format!("{prefix}_URL");
    if let Ok(url) = std::env::var(&variable) {
        return Ok(url);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/services/{service}.sh"));
    let status = Command::new("bash").arg(script).arg("status").output()?;
    if !status.status.success() {
        let start = format!("bash tests/services/{service}.sh start");
        return Err(Skipped(format!("{service} does not run; start it: {start}, or set {variable}")).into());
    }
    let said = String::from_utf8(status.stdout)?;
    let value = |name: &str| {
        let begin = format!("{prefix}_{name}=");
        said.lines().find_map(|line| line.strip_prefix(&begin)).unwrap_or("")
    };
    let [user, password, host, port, database] = ["USER", "PASSWORD", "HOST", "PORT", "DATABASE"].map(value);
    Ok(format!("{scheme}://{user}:{password}@{host}:{port}/{database}"))
}

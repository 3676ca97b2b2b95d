//! Which store, and where the databases are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// A store that the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    /// The embedded store, every write synced. Peers use their own embedded store.
    Sled,
    /// MySQL or MariaDB.
    Mysql,
    /// PostgreSQL.
    Postgres,
    /// One Redis.
    Redis,
}

impl Store {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

/// The server under test and the place of its data.
#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// The server binary. Unless given, `dtm-server` is built beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Another argument for the server; may be repeated.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) server_arg: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where data are kept.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where the temporary data folder is made. Unless given, beside this program: /tmp is often in memory.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) services: ServiceArguments,
}

impl Place {
    /// A folder that is removed when it is dropped.
    pub(crate) fn folder(&self) -> crate::Result<tempfile::TempDir> {
        let own = std::env::current_exe()?;
        let parent = match &self.data {
            Some(folder) => folder.as_path(),
            None => own.parent().ok_or("this program is in no folder")?,
        };
        Ok(tempfile::Builder::new().prefix("dtm-bench-").tempdir_in(parent)?)
    }
}

/// Where the databases are: what the scripts in tests/services print, as it is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Databases (export what bash tests/services/NAME.sh start prints)")]
pub(crate) struct ServiceArguments {
    #[arg(long, env = "MARIADB_HOST", default_value = "127.0.0.1")]
    pub(crate) mysql_host: String,
    #[arg(long, env = "MARIADB_PORT")]
    pub(crate) mysql_port: Option<u16>,
    #[arg(long, env = "MARIADB_USER", default_value = "dtm")]
    pub(crate) mysql_user: String,
    #[arg(long, env = "MARIADB_PASSWORD", default_value = "", hide_env_values = true)]
    pub(crate) mysql_password: String,
    #[arg(long, env = "POSTGRES_HOST", default_value = "127.0.0.1")]
    pub(crate) postgres_host: String,
    #[arg(long, env = "POSTGRES_PORT")]
    pub(crate) postgres_port: Option<u16>,
    #[arg(long, env = "POSTGRES_USER", default_value = "dtm")]
    pub(crate) postgres_user: String,
    #[arg(long, env = "POSTGRES_PASSWORD", default_value = "", hide_env_values = true)]
    pub(crate) postgres_password: String,
    #[arg(long, env = "REDIS_HOST", default_value = "127.0.0.1")]
    pub(crate) redis_host: String,
    #[arg(long, env = "REDIS_PORT")]
    pub(crate) redis_port: Option<u16>,
    #[arg(long, env = "REDIS_PASSWORD", default_value = "", hide_env_values = true)]
    pub(crate) redis_password: String,
}

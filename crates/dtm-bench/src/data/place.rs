//! A fresh place, whatever the store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::Counts;
use super::listener::listener;
use super::mysql::MysqlData;
use super::postgres::PostgresData;
use super::redis::RedisData;
use crate::arguments::{ServiceArguments, Store};
use crate::kernel;

/// The place of one server's data. `remove` it, or a database stays behind.
pub(crate) enum DataPlace {
    Folder(PathBuf),
    Mysql(MysqlData),
    Postgres(PostgresData),
    Redis(RedisData),
}

impl DataPlace {
    /// Makes one; a folder lies inside `folder`.
    pub(crate) async fn make(
        store: Store,
        services: &ServiceArguments,
        folder: &Path,
    ) -> crate::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("dtm_bench_{}_{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        Ok(match store {
            Store::Sled => {
                let folder = folder.join(name);
                std::fs::create_dir(&folder)?;
                Self::Folder(folder)
            }
            Store::Mysql => Self::Mysql(MysqlData::make(services, name).await?),
            Store::Postgres => Self::Postgres(PostgresData::make(services, name).await?),
            Store::Redis => Self::Redis(RedisData::make(services, name).await?),
        })
    }

    pub(crate) async fn remove(&self) -> crate::Result {
        match self {
            Self::Folder(folder) => Ok(std::fs::remove_dir_all(folder)?),
            Self::Mysql(data) => data.remove().await,
            Self::Postgres(data) => data.remove().await,
            Self::Redis(data) => data.remove().await,
        }
    }

    /// The settings of the store, as environment variables: DTM's names, which are also this server's. DTM's own
    /// prefix in Redis has braces, which put all keys into one slot.
    pub(crate) fn environment(&self, for_dtm: bool) -> Vec<(&'static str, String)> {
        match self {
            Self::Folder(_) if for_dtm => vec![("STORE_DRIVER", "boltdb".to_owned())],
            Self::Folder(folder) => vec![
                ("STORE_DRIVER", "sled".to_owned()),
                ("STORE_PATH", folder.to_string_lossy().into_owned()),
            ],
            Self::Mysql(data) => data.environment(),
            Self::Postgres(data) => data.environment(),
            Self::Redis(data) => data.environment(for_dtm),
        }
    }

    /// The same as one URL; of SQLite for a folder.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}/dtmrs.db", folder.display()),
            Self::Mysql(data) => data.url(),
            Self::Postgres(data) => data.url(),
            Self::Redis(data) => data.url(),
        }
    }

    /// What the database has counted so far. Databases publish some counts only when a server has disconnected.
    pub(crate) async fn counts(&self) -> crate::Result<Counts> {
        match self {
            Self::Folder(_) => Ok(Counts::default()),
            Self::Mysql(data) => data.counts().await,
            Self::Postgres(data) => data.counts().await,
            Self::Redis(data) => data.counts().await,
        }
    }

    /// CPU of the database's processes, when it runs on this machine.
    pub(crate) fn cpu(&self) -> Option<std::time::Duration> {
        match self {
            Self::Folder(_) => None,
            Self::Mysql(data) => cpu(data.port()),
            Self::Postgres(data) => cpu(data.port()),
            Self::Redis(data) => cpu(data.port()),
        }
    }

    /// The transactions that a client of SQL stores, set-based, out of one that is there; `None` for other stores.
    pub(crate) async fn fill(&self, rows: u64) -> crate::Result<Option<u64>> {
        match self {
            Self::Folder(_) | Self::Redis(_) => Ok(None),
            Self::Mysql(data) => data.fill(rows).await.map(Some),
            Self::Postgres(data) => data.fill(rows).await.map(Some),
        }
    }

    /// Runs statements that make tables, for servers that do not make their own.
    pub(crate) async fn prepare(&self, folder: &Path) -> crate::Result {
        let read = |driver: &str| {
            let path = folder.join(format!("dtmsvr.storage.{driver}.sql"));
            std::fs::read_to_string(&path)
                .map_err(|error| format!("--dtm-tables: {}: {error}", path.display()))
        };
        match self {
            Self::Folder(_) | Self::Redis(_) => Ok(()),
            Self::Mysql(data) => data.run(&read("mysql")?).await,
            Self::Postgres(data) => data.run(&read("postgres")?).await,
        }
    }
}

fn cpu(port: u16) -> Option<std::time::Duration> {
    kernel::cpu_time_of_tree(listener(port)?).ok()
}

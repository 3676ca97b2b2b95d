//! A database in MySQL or MariaDB.

use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::Counts;
use crate::arguments::ServiceArguments;

/// A database of its own.
pub(crate) struct MysqlData {
    host: String,
    port: u16,
    user: String,
    password: String,
    name: String,
}

const STATUS: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
    ('Binlog_commits', 'Binlog_group_commits', 'Handler_commit', 'Innodb_os_log_fsyncs')";

/// The columns of our table that a copy keeps, and the number that makes its gid different.
/// The newest finished transaction, again and again. The numbers are made of digits: MySQL and MariaDB generate series in
/// different ways.
const FILL: &str = "INSERT INTO dtm_transaction (gid, mode, status, created, recorded, updated, due, finished, owner, held, \
    holder, registered, definition, state) WITH digit AS (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL \
    SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL \
    SELECT 9), number AS (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n FROM digit AS a, digit AS b, \
    digit AS c, digit AS e, digit AS f) SELECT CONCAT('fill-', ? + n), mode, status, created, recorded, updated, due, \
    finished, owner, held, holder, registered, definition, state FROM (SELECT * FROM dtm_transaction WHERE status = \
    'succeed' ORDER BY id DESC LIMIT 1) AS one, number WHERE n < ? ORDER BY n";

/// Rows that one statement copies.
const CHUNK: u64 = 100_000;

/// Rows from one line of progress to the next.
const SHOWN: u64 = 500_000;

impl MysqlData {
    pub(super) async fn make(services: &ServiceArguments, name: String) -> crate::Result<Self> {
        let port = services
            .mysql_port
            .ok_or("MARIADB_PORT is not set: --mysql-port, or bash tests/services/mariadb.sh start")?;
        let data = Self {
            host: services.mysql_host.clone(),
            port,
            user: services.mysql_user.clone(),
            password: services.mysql_password.clone(),
            name,
        };
        let create = format!("CREATE DATABASE {} CHARACTER SET utf8mb4", data.name);
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut data.connect("").await?).await?;
        Ok(data)
    }

    async fn connect(&self, database: &str) -> crate::Result<MySqlConnection> {
        let mut options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .password(&self.password)
            .disable_statement_logging();
        if !database.is_empty() {
            options = options.database(database);
        }
        Ok(options
            .connect()
            .await
            .map_err(|error| format!("MySQL at {}:{}: {error}", self.host, self.port))?)
    }

    pub(super) async fn remove(&self) -> crate::Result {
        let drop = format!("DROP DATABASE {}", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut self.connect("").await?).await?;
        Ok(())
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("STORE_DRIVER", "mysql".to_owned()),
            ("STORE_HOST", self.host.clone()),
            ("STORE_PORT", self.port.to_string()),
            ("STORE_USER", self.user.clone()),
            ("STORE_PASSWORD", self.password.clone()),
            ("STORE_DB", self.name.clone()),
        ]
    }

    pub(super) fn url(&self) -> String {
        let Self { host, port, user, password, name } = self;
        format!("mysql://{user}:{password}@{host}:{port}/{name}")
    }

    /// Of the whole server: transactions and group commits in the binary log (MariaDB), else of InnoDB.
    pub(super) async fn counts(&self) -> crate::Result<Counts> {
        let mut connection = self.connect("").await?;
        let binary_log: i64 =
            sqlx::query_scalar("SELECT CAST(@@global.log_bin AS SIGNED)").fetch_one(&mut connection).await?;
        let rows = sqlx::query(STATUS).fetch_all(&mut connection).await?;
        let value = |name: &str| -> Option<u64> {
            let row = rows.iter().find(|row| row.try_get::<String, _>(0).is_ok_and(|it| it == name))?;
            row.try_get::<String, _>(1).ok()?.parse().ok()
        };
        let group_commits = value("Binlog_group_commits");
        Ok(if binary_log == 1 && group_commits.is_some() {
            Counts { writes: value("Binlog_commits"), syncs: group_commits }
        } else {
            Counts { writes: value("Handler_commit"), syncs: value("Innodb_os_log_fsyncs") }
        })
    }

    /// Runs DTM's script on this database: it names the database `dtm`.
    pub(super) async fn run(&self, script: &str) -> crate::Result {
        let script = script
            .replace("DATABASE IF NOT EXISTS dtm", &format!("DATABASE IF NOT EXISTS {}", self.name))
            .replace(" dtm.", &format!(" {}.", self.name));
        if script.contains(" dtm.") || script.contains("`dtm`") {
            return Err("DTM's script names a database in a way that is not understood".into());
        }
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut self.connect(&self.name).await?).await?;
        Ok(())
    }

    /// Copies finished transactions until there are `rows`; returns how many there are.
    pub(super) async fn fill(&self, rows: u64) -> crate::Result<u64> {
        let mut connection = self.connect(&self.name).await?;
        // The log of what is replicated would be as large as the table once more.
        if let Err(error) = sqlx::raw_sql("SET SESSION sql_log_bin = 0").execute(&mut connection).await {
            eprintln!("  what is filled goes to the binary log, too: {error}");
        }
        let (count, last): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM dtm_transaction")
                .fetch_one(&mut connection)
                .await?;
        let (mut count, mut last) = (u64::try_from(count)?, u64::try_from(last)?);
        while count < rows {
            let chunk = (rows - count).min(CHUNK);
            let copied = sqlx::query(FILL).bind(last + 1).bind(chunk).execute(&mut connection).await?;
            if copied.rows_affected() == 0 {
                return Err("there is no finished transaction to copy".into());
            }
            let before = count;
            count += copied.rows_affected();
            last += chunk;
            if count / SHOWN > before / SHOWN || count >= rows {
                eprintln!("  {count} of {rows} rows");
            }
        }
        sqlx::raw_sql("ANALYZE TABLE dtm_transaction").execute(&mut connection).await?;
        written_back(&mut connection).await?;
        Ok(count)
    }
}

/// Waits until a bulk write is on disk, as far as the server writes it back of itself: that is cost of the filling, not
/// of what is measured after it. A server that is idle may keep a few changed pages.
async fn written_back(connection: &mut MySqlConnection) -> crate::Result {
    const DIRTY: &str = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'";
    const CALM: Duration = Duration::from_secs(5);
    let mut least = u64::MAX;
    let mut since = Instant::now();
    while since.elapsed() < CALM {
        let dirty: String = sqlx::query(DIRTY).fetch_one(&mut *connection).await?.try_get(1)?;
        let dirty = dirty.parse()?;
        if dirty < least {
            (least, since) = (dirty, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

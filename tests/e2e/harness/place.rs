//! Where a server keeps its transactions.
//!
//! `E2E_STORE` says in which store: `sled` (the default), `mysql`, `postgres`, `redis` or `redis_cluster`. Each server gets
//! a place of its own: a folder, a database, a schema, a prefix.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

/// A place for one store, or for several servers that share it. Removed at the end.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    database: Option<Database>,
}

/// A database in MariaDB, a schema in PostgreSQL, a prefix in Redis.
#[derive(Debug)]
struct Database {
    kind: Kind,
    name: String,
    /// The password of a user of its own, who is called like the database.
    password: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mysql,
    Postgres,
    Redis,
    RedisCluster,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::make(None)
    }

    /// Its user has that password, where there are users.
    pub(crate) fn with_password(password: &'static str) -> Arc<Self> {
        Arc::new(Self::make(Some(password)))
    }

    fn make(password: Option<&'static str>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = TempDir::new().expect("a temporary folder can be made");
        let database = kind().map(|kind| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let database =
                Database { kind, name: format!("e{:08x}_{number}", rand::random::<u32>()), password };
            database.make();
            database
        });
        Self { folder, database }
    }

    /// One that several servers can share; `None`, after saying so, when the store is an embedded one.
    pub(crate) fn shared() -> Option<Self> {
        if kind().is_none() {
            let message = "SKIPPED (several servers cannot share the embedded store; E2E_STORE=postgres cargo test -p dtm-tests --test e2e servers)\n";
            // not through eprintln!, which the test harness keeps to itself
            std::io::stderr().write_all(message.as_bytes()).expect("standard error can be written");
            return None;
        }
        Some(Self::new())
    }

    /// Without a database: whoever starts servers here says where theirs is.
    pub(crate) fn without_database() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made"), database: None }
    }

    /// What `E2E_STORE` says.
    pub(crate) fn store() -> &'static str {
        match kind() {
            None => "sled",
            Some(Kind::Mysql) => "mysql",
            Some(Kind::Postgres) => "postgres",
            Some(Kind::Redis) => "redis",
            Some(Kind::RedisCluster) => "redis_cluster",
        }
    }

    /// The folder of the embedded store.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file that is removed with the place, and is not the store's.
    pub(crate) fn beside(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Whether nobody has written there.
    pub(crate) fn is_untouched(&self) -> bool {
        let Some(database) = &self.database else { return !self.data().exists() };
        let name = &database.name;
        let found = match database.kind {
            Kind::Mysql => database.execute(&format!("SHOW TABLES FROM {name}")),
            Kind::Postgres => database.execute(&format!("\\dt {name}.*")),
            Kind::Redis | Kind::RedisCluster => {
                database.ask_redis(&["--scan", "--pattern", &format!("*{name}*")])
            }
        };
        found.trim().is_empty()
    }

    /// What a server has to be told, as environment variables.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(database) = &self.database else { return Vec::new() };
        let service = service(database.kind);
        let value = |name: &str| service.value(name).to_owned();
        if database.kind == Kind::RedisCluster {
            let mut variables = vec![
                ("STORE_DRIVER", "redis".to_owned()),
                ("STORE_HOST", value("NODES")),
                ("STORE_REDIS_PREFIX", database.name.clone()),
            ];
            if let Some(password) = database.password {
                variables
                    .extend([("STORE_USER", database.name.clone()), ("STORE_PASSWORD", password.to_owned())]);
            }
            return variables;
        }
        let mut variables = vec![("STORE_HOST", value("HOST")), ("STORE_PORT", value("PORT"))];
        let (user, password) = match database.password {
            Some(password) => (database.name.clone(), password.to_owned()),
            None if database.kind == Kind::Redis => (String::new(), value("PASSWORD")),
            None => (value("USER"), value("PASSWORD")),
        };
        variables.extend([("STORE_USER", user), ("STORE_PASSWORD", password)]);
        match database.kind {
            Kind::Mysql => {
                variables.extend([("STORE_DRIVER", "mysql".to_owned()), ("STORE_DB", database.name.clone())]);
            }
            Kind::Postgres => variables.extend([
                ("STORE_DRIVER", "postgres".to_owned()),
                ("STORE_DB", value("DATABASE")),
                ("STORE_SCHEMA", database.name.clone()),
            ]),
            Kind::Redis | Kind::RedisCluster => variables.extend([
                ("STORE_DRIVER", "redis".to_owned()),
                ("STORE_REDIS_PREFIX", database.name.clone()),
            ]),
        }
        variables
    }
}

impl Database {
    fn make(&self) {
        let name = &self.name;
        match self.kind {
            Kind::Mysql => drop(self.execute(&format!("CREATE DATABASE {name}"))),
            Kind::Postgres => drop(self.execute(&format!("CREATE SCHEMA {name}"))),
            Kind::Redis | Kind::RedisCluster => {}
        }
        let Some(password) = self.password else { return };
        match self.kind {
            Kind::Mysql => {
                self.execute(&format!("GRANT ALL ON {name}.* TO {name}@'%' IDENTIFIED BY '{password}'"))
            }
            Kind::Postgres => self.execute(&format!(
                "CREATE ROLE {name} LOGIN PASSWORD '{password}'; GRANT ALL ON SCHEMA {name} TO {name}"
            )),
            Kind::Redis | Kind::RedisCluster => {
                let secret = format!(">{password}");
                self.ask_redis(&["ACL", "SETUSER", name, "on", &secret, "~*", "&*", "+@all"])
            }
        };
    }

    /// By the client program of the database, as an operator would; what it prints.
    fn execute(&self, statement: &str) -> String {
        let service = service(self.kind);
        let value = |name: &str| service.value(name);
        let command = match self.kind {
            Kind::Redis | Kind::RedisCluster => return self.ask_redis(&[statement]),
            Kind::Mysql => {
                let mut command = Command::new("mariadb");
                command.args(["--no-defaults", "--skip-column-names", "--execute", statement]);
                command.args(["--host", value("HOST"), "--port", value("PORT"), "--user", value("USER")]);
                command.env("MYSQL_PWD", value("PASSWORD"));
                command
            }
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args([
                    "--no-psqlrc",
                    "--quiet",
                    "--tuples-only",
                    "--set=ON_ERROR_STOP=1",
                    "--command",
                    statement,
                ]);
                command.args(["--host", value("HOST"), "--port", value("PORT"), "--username", value("USER")]);
                command.args(["--dbname", value("DATABASE")]);
                command
                    .env("PGPASSWORD", value("PASSWORD"))
                    .env("PGOPTIONS", "--client-min-messages=warning");
                command
            }
        };
        run(command, statement)
    }

    fn remove_keys(&self) {
        let script = "#!lua flags=allow-cross-slot-keys\n\
            for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) end";
        for pattern in [format!("{{{}}}*", self.name), format!("{{{}:*", self.name)] {
            self.ask_redis(&["EVAL", script, "0", &pattern]);
        }
    }

    /// Asks every server that has anything; what all of them answer.
    fn ask_redis(&self, words: &[&str]) -> String {
        let service = service(self.kind);
        let places = match self.kind {
            Kind::RedisCluster => service.value("NODES").to_owned(),
            _ => format!("{}:{}", service.value("HOST"), service.value("PORT")),
        };
        let mut answers = String::new();
        for place in places.split(',') {
            let (host, port) = place.split_once(':').expect("an address has a port");
            let mut command = Command::new("redis-cli");
            command.args(["-e", "-h", host, "-p", port]).args(words);
            if self.kind == Kind::Redis {
                command.env("REDISCLI_AUTH", service.value("PASSWORD"));
            }
            answers.push_str(&run(command, words[0]));
        }
        answers
    }
}

fn run(mut command: Command, what: &str) -> String {
    let output = command.output().expect("the client program of the database can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    if std::thread::panicking() {
        // a second panic would end all other cases too
        println!("{what}: {error}");
        return String::new();
    }
    assert!(output.status.success(), "{what}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        let user = self.password.is_some();
        match self.kind {
            Kind::Mysql => drop(self.execute(&format!("DROP DATABASE {name}"))),
            Kind::Postgres => drop(self.execute(&format!("DROP SCHEMA {name} CASCADE"))),
            Kind::Redis | Kind::RedisCluster => self.remove_keys(),
        }
        match self.kind {
            _ if !user => {}
            Kind::Mysql => drop(self.execute(&format!("DROP USER {name}@'%'"))),
            Kind::Postgres => drop(self.execute(&format!("DROP ROLE {name}"))),
            Kind::Redis | Kind::RedisCluster => drop(self.ask_redis(&["ACL", "DELUSER", name])),
        }
    }
}

/// Whether each server has a store of its own.
#[expect(clippy::disallowed_methods, reason = "an argument of the tests, not a setting of the server")]
fn kind() -> Option<Kind> {
    static KIND: OnceLock<Option<Kind>> = OnceLock::new();
    *KIND.get_or_init(|| match std::env::var("E2E_STORE").as_deref() {
        Err(_) | Ok("" | "sled") => None,
        Ok("mysql") => Some(Kind::Mysql),
        Ok("postgres") => Some(Kind::Postgres),
        Ok("redis") => Some(Kind::Redis),
        Ok("redis_cluster") => Some(Kind::RedisCluster),
        Ok(other) => panic!("E2E_STORE = {other}: it may be sled, mysql, postgres, redis or redis_cluster"),
    })
}

/// What the script that starts the service has printed.
struct Service {
    prefix: &'static str,
    text: String,
}

impl Service {
    fn value(&self, name: &str) -> &str {
        let name = format!("{}_{name}", self.prefix);
        let pairs = self.text.lines().filter_map(|line| line.split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
        values.next().unwrap_or_else(|| panic!("the service does not say its {name}"))
    }
}

fn service(kind: Kind) -> &'static Service {
    static MYSQL: OnceLock<Service> = OnceLock::new();
    static POSTGRES: OnceLock<Service> = OnceLock::new();
    static REDIS: OnceLock<Service> = OnceLock::new();
    static REDIS_CLUSTER: OnceLock<Service> = OnceLock::new();
    match kind {
        Kind::Redis => REDIS.get_or_init(|| asked("redis", "REDIS")),
        Kind::RedisCluster => REDIS_CLUSTER.get_or_init(|| asked("redis_cluster", "REDIS_CLUSTER")),
        Kind::Mysql => MYSQL.get_or_init(|| asked("mariadb", "MARIADB")),
        Kind::Postgres => POSTGRES.get_or_init(|| asked("postgres", "POSTGRES")),
    }
}

fn asked(script: &str, prefix: &'static str) -> Service {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("services").join(format!("{script}.sh"));
    let Output { status, stdout, .. } =
        Command::new("bash").arg(&path).arg("status").output().expect("bash can be run");
    assert!(
        status.success(),
        "E2E_STORE asks for it, but it does not run: bash tests/services/{script}.sh start"
    );
    Service { prefix, text: String::from_utf8(stdout).expect("the script prints text") }
}

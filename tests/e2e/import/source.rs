//! A store of DTM, filled with a fixture.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::harness::{Branches, GrpcBranches};

/// Where the services of the fixtures were when DTM wrote them.
const HTTP: &str = "127.0.0.1:18999";
const GRPC: &str = "127.0.0.1:18998";

/// A store of DTM.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Mysql,
    Postgres,
    Redis,
}

/// One that is filled, for one test.
pub(super) struct Source {
    kind: Kind,
    service: BTreeMap<String, String>,
    /// The database, or the prefix of the keys.
    name: String,
}

impl Source {
    /// Filled with what DTM has left, its services being these. `None`, after saying so, when the database does not
    /// run and nobody insists.
    pub(super) async fn filled(kind: Kind, http: &Branches, grpc: &GrpcBranches) -> Option<Self> {
        Self::filled_by(kind, http, grpc, |text| text).await
    }

    /// Filled with what `change` makes of it.
    pub(super) async fn filled_by(
        kind: Kind,
        http: &Branches,
        grpc: &GrpcBranches,
        change: impl FnOnce(String) -> String,
    ) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("import_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let source = Self { kind, service: service(kind.script())?, name };
        let file = fixtures().join(kind.fixture());
        let text = std::fs::read_to_string(&file).expect("the fixture is there");
        let text = text.replace(HTTP, &http.address().to_string()).replace(GRPC, &grpc.address().to_string());
        let text = change(text);
        match kind {
            Kind::Mysql | Kind::Postgres => {
                source.administer(&format!("create database {}", source.name));
                source.execute(&text);
            }
            Kind::Redis => source.send(text.replace("{a}_", &format!("{}_", source.name))).await,
        }
        Some(source)
    }

    /// The arguments of the import that name it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let it = |what: &str| &self.service[&format!("{}_{what}", self.kind.script().to_uppercase())];
        match self.kind {
            Kind::Redis => {
                let from = format!("redis://:{}@{}:{}", self.redis_password(), it("HOST"), it("PORT"));
                vec!["--from".to_owned(), from, "--prefix".to_owned(), self.name.clone()]
            }
            Kind::Mysql | Kind::Postgres => {
                let scheme = if matches!(self.kind, Kind::Mysql) { "mysql" } else { "postgres" };
                let (user, password) = (it("USER"), it("PASSWORD"));
                let from =
                    format!("{scheme}://{user}:{password}@{}:{}/{}", it("HOST"), it("PORT"), self.name);
                vec!["--from".to_owned(), from]
            }
        }
    }

    /// Runs statements in the database of DTM.
    pub(super) fn execute(&self, sql: &str) {
        self.run(&self.name, sql);
    }

    /// Sends one command to the Redis of DTM; the words `{a}` begin its keys.
    pub(super) async fn command(&self, words: &[&str]) {
        let words: Vec<_> = words.iter().map(|word| word.replace("{a}", &self.name)).collect();
        self.send(serde_json::to_string(&words).expect("words are JSON")).await;
    }

    fn administer(&self, sql: &str) {
        self.run(&self.service[&format!("{}_DATABASE", self.kind.script().to_uppercase())], sql);
    }

    fn run(&self, database: &str, sql: &str) {
        let it = |what: &str| self.service[&format!("{}_{what}", self.kind.script().to_uppercase())].clone();
        let mut command = match self.kind {
            Kind::Mysql => {
                let mut command = Command::new("mariadb");
                command.args(["--no-defaults", "--default-character-set=utf8mb4", "--host", &it("HOST")]);
                command.args(["--port", &it("PORT"), "--user", &it("USER")]);
                command.arg(format!("--password={}", it("PASSWORD"))).arg(database);
                command
            }
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host", &it("HOST")]);
                command.args(["--port", &it("PORT"), "--username", &it("USER"), "--dbname", database]);
                command.env("PGPASSWORD", it("PASSWORD")).env("PGCLIENTENCODING", "UTF8");
                command
            }
            Kind::Redis => panic!("Redis has no SQL"),
        };
        let mut client =
            command.stdin(std::process::Stdio::piped()).spawn().expect("the client is installed");
        client.stdin.take().expect("it is piped").write_all(sql.as_bytes()).expect("the client reads");
        assert!(
            client.wait().expect("it can be waited for").success(),
            "{:?} does not take the SQL",
            self.kind
        );
    }

    fn redis_password(&self) -> String {
        self.service.get("REDIS_PASSWORD").cloned().unwrap_or_default()
    }

    /// Sends commands, each a JSON array in a line.
    async fn send(&self, commands: String) {
        let address = format!("{}:{}", self.service["REDIS_HOST"], self.service["REDIS_PORT"]);
        let mut stream = BufReader::new(TcpStream::connect(address).await.expect("Redis accepts"));
        let password = self.redis_password();
        let login = (!password.is_empty()).then(|| vec!["AUTH".to_owned(), password]);
        let commands =
            commands.lines().map(|line| serde_json::from_str(line).expect("a line is a JSON array"));
        for words in login.into_iter().chain(commands) {
            let mut request = format!("*{}\r\n", words.len());
            for word in &words {
                request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
            }
            stream.write_all(request.as_bytes()).await.expect("Redis reads");
            let mut reply = String::new();
            stream.read_line(&mut reply).await.expect("Redis answers");
            assert!(reply.starts_with(['+', ':']), "{words:?}: {reply}");
        }
        stream.shutdown().await.ok();
        stream.read_to_end(&mut Vec::new()).await.ok();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Keys in Redis expire by themselves.
        if !matches!(self.kind, Kind::Redis) && !std::thread::panicking() {
            self.administer(&format!("drop database {}", self.name));
        }
    }
}

impl Kind {
    const fn script(self) -> &'static str {
        match self {
            Self::Mysql => "mariadb",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    const fn fixture(self) -> &'static str {
        match self {
            Self::Mysql => "mysql.sql",
            Self::Postgres => "postgres.sql",
            Self::Redis => "redis.jsonl",
        }
    }
}

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    tests().join("import/fixtures")
}

/// How to reach a service: from the environment, else from its script.
#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn service(name: &str) -> Option<BTreeMap<String, String>> {
    if std::env::var_os(format!("{}_HOST", name.to_uppercase())).is_some() {
        return Some(std::env::vars().collect());
    }
    let script = tests().join("services").join(format!("{name}.sh"));
    let output = Command::new("bash").arg(script).arg("status").output().expect("bash can be run");
    if !output.status.success() {
        let start = format!("bash tests/services/{name}.sh start");
        assert!(std::env::var_os("CI").is_none(), "{name} does not run; start it: {start}");
        let message = format!("SKIPPED ({name} does not run; start it: {start})\n");
        std::io::stderr().write_all(message.as_bytes()).expect("standard error is open");
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

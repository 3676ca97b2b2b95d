//! TLS to the database: a certificate is checked as far as the settings say, and nothing is said to an impostor.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dtm_store::{Error, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::outside::{Private, Service};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, Row as _};

use crate::fixtures::{join, saga};
use crate::services;

/// Somebody who signs certificates.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Certificate and key of a server of that name.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn private(name: &'static str) -> Private {
    Private::new(name, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("tls"))
}

/// The files of the authority that has signed the server's certificate, and of another one.
fn authorities(server: &Private, right: &Authority) -> [PathBuf; 2] {
    let other = Authority::new();
    [server.leave("right.pem", &right.certificate), server.leave("other.pem", &other.certificate)]
}

async fn works(url: String) -> SqlStore {
    let store = SqlStore::open(SqlConfig::new(url)).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga(&format!("g{}", tokens.epoch().0), &tokens, true);
    store.create(new.clone()).await.unwrap();
    assert!(store.load(new.transaction.gid()).await.unwrap().is_some());
    store
}

async fn is_refused(url: String) {
    let begun = std::time::Instant::now();
    match SqlStore::open(SqlConfig::new(url)).await {
        Err(Error::Fatal(message)) => {
            assert!(message.contains("certificate") && message.contains("cannot use"), "{message}");
            assert!(!message.contains("dtm:dtm"), "{message}");
        }
        other => panic!("an impostor: {other:?}"),
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "trying again does not help");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_talked_to_only_if_its_certificate_is_right() {
    if services::postgres().is_none() {
        return;
    }
    let (server, authority) = (private("postgres"), Authority::new());
    let [right, other] = authorities(&server, &authority);
    let service = server.start().await;
    let url = |host: &str, mode: &str, authority: &Path| {
        let (port, file) = (&service["POSTGRES_PORT"], authority.display());
        format!("postgres://dtm:dtm@{host}:{port}/dtm?sslmode={mode}&sslrootcert={file}")
    };
    is_refused(url("127.0.0.1", "require", &right)).await;
    encrypt_postgres(&service, &authority.sign("127.0.0.1")).await;

    let store = works(url("127.0.0.1", "verify-full", &right)).await;
    let mut beside = PgConnection::connect(&url("127.0.0.1", "disable", &right)).await.unwrap();
    let statement = "SELECT bool_and(s.ssl) AS all FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid \
        WHERE a.application_name = 'dtm'";
    assert!(sqlx::query(statement).fetch_one(&mut beside).await.unwrap().get::<bool, _>("all"));
    store.close().await.unwrap();
    works(url("127.0.0.1", "prefer", &right)).await.close().await.unwrap();
    works(url("localhost", "verify-ca", &right)).await.close().await.unwrap();
    is_refused(url("localhost", "verify-full", &right)).await;
    for mode in ["verify-ca", "verify-full"] {
        is_refused(url("127.0.0.1", mode, &other)).await;
    }
}

/// The key has to belong to the user who runs the server, so the server writes it itself.
async fn encrypt_postgres(service: &Service, (certificate, key): &(String, String)) {
    let port = &service["POSTGRES_PORT"];
    let url = format!("postgres://dtm:dtm@127.0.0.1:{port}/dtm?sslmode=disable");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for (name, content) in [("server.crt", certificate), ("server.key", key)] {
        let statement = format!(
            "COPY (SELECT unnest(string_to_array('{}', '|'))) TO PROGRAM 'umask 077; cat > {name}'",
            content.trim().replace("\r", "").replace('\n', "|")
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    sqlx::raw_sql("ALTER SYSTEM SET ssl = on").execute(&mut connection).await.unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();
    let encrypted = url.replace("disable", "require");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while let Err(error) = PgConnection::connect(&encrypted).await {
        assert!(tokio::time::Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_is_talked_to_only_if_its_certificate_is_right() {
    if services::mariadb().is_none() {
        return;
    }
    let (server, authority) = (private("mariadb"), Authority::new());
    let [right, other] = authorities(&server, &authority);
    let (certificate, key) = authority.sign("127.0.0.1");
    let (certificate, key) = (server.leave("server.crt", &certificate), server.leave("server.key", &key));
    let files = format!("ssl-cert={}\nssl-key={}", certificate.display(), key.display());
    drop(server.leave("options.cnf", &format!("[mariadbd]\n{files}\n")));
    let service = server.start().await;
    let url = |host: &str, mode: &str, authority: &Path| {
        let (port, file) = (&service["MARIADB_PORT"], authority.display());
        format!("mysql://dtm:dtm@{host}:{port}/dtm?ssl-mode={mode}&ssl-ca={file}")
    };
    let store = works(url("127.0.0.1", "VERIFY_IDENTITY", &right)).await;
    store.close().await.unwrap();
    works(url("127.0.0.1", "PREFERRED", &right)).await.close().await.unwrap();
    let mut beside = MySqlConnection::connect(&url("127.0.0.1", "DISABLED", &right)).await.unwrap();
    sqlx::raw_sql("ALTER USER dtm@127.0.0.1 REQUIRE SSL").execute(&mut beside).await.unwrap();
    works(url("localhost", "VERIFY_CA", &right)).await.close().await.unwrap();
    is_refused(url("localhost", "VERIFY_IDENTITY", &right)).await;
    for mode in ["VERIFY_CA", "VERIFY_IDENTITY"] {
        is_refused(url("127.0.0.1", mode, &other)).await;
    }
    assert!(SqlStore::open(SqlConfig::new(url("127.0.0.1", "DISABLED", &right))).await.is_err());
}

//! One step of XA by two SDKs, in MariaDB: prepared by a Go process and finished here, and the other way round.

use dtm_testkit::outside::{Service, running};
use dtm_workflow::{BranchError, Workflow, Workflows};
use serde_json::json;
use sqlx::{MySql, MySqlConnection, MySqlPool};

use super::banks::{Bank, new_gid, prepared_of};
use super::site::{Over, Site, called_back};
use super::with_go::go_with;
use crate::harness::{Branches, Gate, Reply, Server, both};
use crate::sdk::proxy::Proxy;

/// The account and the process of `tests/compat/go`.
struct Stage {
    server: Server,
    branches: Branches,
    database: Service,
    pool: MySqlPool,
    gid: String,
}

const SCHEMA: [&str; 2] = [
    "CREATE DATABASE IF NOT EXISTS compat DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE IF NOT EXISTS compat.account(name varchar(128) PRIMARY KEY, balance int NOT NULL)",
];

impl Stage {
    async fn open() -> Self {
        let database = running("mariadb", "MARIADB_HOST").expect("MariaDB runs");
        let pool = MySql::open().await.expect("MariaDB runs");
        let (server, branches) = both().await;
        let stage = Self { server, branches, database, pool, gid: new_gid() };
        for statement in SCHEMA {
            sqlx::raw_sql(statement).execute(&stage.pool).await.unwrap();
        }
        let open = "INSERT INTO compat.account(name, balance) VALUES(CONCAT(?, 'A'), 100)";
        sqlx::query(open).bind(&stage.gid).execute(&stage.pool).await.unwrap();
        stage
    }

    /// `transfer by XA` of `tests/compat/go`: takes 30 in a step of XA, then calls "in".
    fn workflows(&self, site: &Site, port: u16) -> Workflows {
        let (branches, pool) = (self.branches.clone(), self.pool.clone());
        let function = move |wf: Workflow, data: Vec<u8>| {
            let (branches, pool) = (branches.clone(), pool.clone());
            async move {
                let account = format!("{}A", wf.gid());
                let take = async |connection: &mut MySqlConnection| {
                    let take = "UPDATE compat.account SET balance = balance - 30 WHERE name = ?";
                    sqlx::query(take).bind(&account).execute(connection).await?;
                    Ok(Vec::new())
                };
                wf.branch().xa_bytes(&pool, take).await?;
                let http = reqwest::Client::builder().no_proxy().build()?;
                let text = String::from_utf8(data)?;
                wf.branch().send(http.post(branches.url("/in")).json(&json!({ "text": text }))).await?;
                Ok::<_, BranchError>(Vec::new())
            }
        };
        let client = dtm_client::Client::builder(&format!("http://127.0.0.1:{port}/api/dtmsvr"));
        let client = client.retry(dtm_client::Retry::never()).build().unwrap();
        let callback = format!("http://{}/workflow", site.address());
        Workflows::builder(client, callback).register_bytes("transfer by XA", function).build().unwrap()
    }

    async fn begun_by_go(&self) -> Site {
        let Self { server, branches, gid, database, .. } = self;
        let (mut child, address) =
            go_with(server, branches, gid, "127.0.0.1:0", true, "workflow-xa", database).await;
        assert!(!child.wait().await.unwrap().success(), "it kills itself");
        assert_eq!(self.rows().await, ["01 business", "01 action"]);
        assert_eq!(prepared_of(&self.pool, gid).await, ["01"]);
        Site::at(&address, Over::Http).await
    }

    async fn gone_on_by_go(&self, site: Site) -> tokio::process::Child {
        let Self { server, branches, gid, database, .. } = self;
        let address = site.address();
        drop(site);
        go_with(server, branches, gid, &address, false, "workflow-xa", database).await.0
    }

    async fn rows(&self) -> Vec<String> {
        self.server.query(&self.gid).await.row_names()
    }

    /// Called back, it ends so, and nothing is left prepared.
    async fn ends(&self, status: &str, rows: &[&str], balance: i32) {
        called_back(&self.server, &self.gid).await;
        assert_eq!(self.server.end_of(&self.gid).await.status(), status);
        assert_eq!(self.rows().await, rows);
        let found = "SELECT balance FROM compat.account WHERE name = CONCAT(?, 'A')";
        let found: i32 = sqlx::query_scalar(found).bind(&self.gid).fetch_one(&self.pool).await.unwrap();
        assert_eq!(found, balance);
        assert!(prepared_of(&self.pool, &self.gid).await.is_empty());
    }
}

const COMMITTED: [&str; 4] = ["01 business", "01 action", "02 action", "01 commit"];
const ROLLED_BACK: [&str; 4] = ["01 business", "01 action", "02 action", "01 rollback"];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_go_has_prepared_is_committed_here() {
    let stage = Stage::open().await;
    let site = stage.begun_by_go().await;
    let workflows = stage.workflows(&site, stage.server.port());
    let _served = site.serve(&workflows);
    stage.ends("succeed", &COMMITTED, 70).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_go_has_prepared_is_rolled_back_here() {
    let stage = Stage::open().await;
    stage.branches.on("/in", [Reply::failure()]);
    let site = stage.begun_by_go().await;
    let workflows = stage.workflows(&site, stage.server.port());
    let _served = site.serve(&workflows);
    stage.ends("failed", &ROLLED_BACK, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_is_prepared_here_is_committed_and_rolled_back_by_go() {
    for (second, status, rows, balance) in
        [(Reply::ok(), "succeed", COMMITTED, 70), (Reply::failure(), "failed", ROLLED_BACK, 100)]
    {
        let stage = Stage::open().await;
        stage.branches.on("/in", [Reply::ok().behind(&Gate::closed()), second]);
        let site = Site::new(Over::Http).await;
        let workflows = stage.workflows(&site, stage.server.port());
        let dying = tokio::spawn({
            let gid = stage.gid.clone();
            async move { workflows.execute_bytes("transfer by XA", &gid, b"30".to_vec()).await }
        });
        stage.branches.wait_for("/in", 1).await;
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled());
        let _go = stage.gone_on_by_go(site).await;
        stage.ends(status, &rows, balance).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_is_prepared_here_and_not_recorded_is_undone_by_go() {
    // Go's SDK takes such a step for one that failed; ours would go on with it.
    let stage = Stage::open().await;
    let proxy = Proxy::to(stage.server.port()).await;
    let site = Site::new(Over::Http).await;
    let workflows = stage.workflows(&site, proxy.port());
    // prepareWorkflow, business, action
    proxy.lose_request(3);
    workflows.execute_bytes("transfer by XA", &stage.gid, b"30".to_vec()).await.unwrap_err();
    assert_eq!(stage.rows().await, ["01 business"]);
    assert_eq!(prepared_of(&stage.pool, &stage.gid).await, ["01"]);
    let _go = stage.gone_on_by_go(site).await;
    stage.ends("failed", &["01 business", "01 rollback"], 100).await;
}

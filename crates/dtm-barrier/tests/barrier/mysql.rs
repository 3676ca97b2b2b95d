//! MariaDB.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_barrier::sql::{TableName, create_table, create_table_named};
use dtm_barrier::{BarrierError, BranchBarrier, BranchError, BranchOp, Called, Mode, Skip};
use dtm_testkit::outside::{Answers, Proxy, Service, running};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, MySql, MySqlConnection, MySqlPool};

use crate::bank::{Bank, BarrierRow, Stage, is_retry};

crate::cases::run_the_cases!(MySql);

struct Place {
    service: Service,
    database: String,
}

impl Place {
    fn address(&self) -> String {
        format!("{}:{}", self.service["MARIADB_HOST"], self.service["MARIADB_PORT"])
    }

    fn options(&self, address: &str, database: &str) -> MySqlConnectOptions {
        let (user, password) = (&self.service["MARIADB_USER"], &self.service["MARIADB_PASSWORD"]);
        format!("mysql://{user}:{password}@{address}/{database}").parse().unwrap()
    }

    async fn execute(&self, statement: String) {
        let mut connection = MySqlConnection::connect_with(&self.options(&self.address(), "")).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(self.execute(format!("DROP DATABASE {}", self.database)));
            });
        });
    }
}

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(template.replace("{table}", &table.to_string()))
}

impl Bank for MySql {
    const ERRORS_END: bool = false;

    async fn open() -> Option<Stage<Self>> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = running("mariadb", "MARIADB_HOST")?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = Place { service, database: format!("barrier{}_{number}", std::process::id()) };
        place.execute(format!("CREATE DATABASE {}", place.database)).await;
        let pool = MySqlPoolOptions::new().max_connections(20);
        let pool = pool.connect_with(place.options(&place.address(), &place.database)).await.unwrap();
        let table = TableName::new(&format!("{}.barrier", place.database)).unwrap();
        create_table_named(&pool, &table).await.unwrap();
        let account = "CREATE TABLE account (cents bigint NOT NULL); INSERT INTO account (cents) VALUES (0)";
        sqlx::raw_sql(account).execute(&pool).await.unwrap();
        let another = TableName::new(&format!("{}.another", place.database)).unwrap();
        Some(Stage { pool, table, another, _guard: Box::new(place) })
    }

    async fn impatient(stage: &Stage<Self>) -> MySqlPool {
        let options = (*stage.pool.connect_options()).clone();
        let pool = MySqlPoolOptions::new().after_connect(|connection, _| {
            Box::pin(
                async move { Self::execute(connection, "SET SESSION innodb_lock_wait_timeout = 1").await },
            )
        });
        pool.connect_with(options).await.unwrap()
    }

    async fn add(connection: &mut MySqlConnection, cents: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE account SET cents = cents + ?").bind(cents).execute(connection).await.map(|_| ())
    }

    async fn balance(pool: &MySqlPool) -> i64 {
        sqlx::query_scalar("SELECT cents FROM account").fetch_one(pool).await.unwrap()
    }

    async fn rows(stage: &Stage<Self>, gid: &str) -> Vec<BarrierRow> {
        let rows = "SELECT branch_id, op, barrier_id, reason FROM {table} WHERE gid = ? ORDER BY 1, 2, 3, 4";
        sqlx::query_as(text(rows, &stage.table)).bind(gid).fetch_all(&stage.pool).await.unwrap()
    }

    async fn insert_as_go(stage: &Stage<Self>, gid: &str, row: [&str; 4]) -> bool {
        let insert = "insert ignore into {table}(trans_type, gid, branch_id, op, barrier_id, reason) values(?,?,?,?,?,?)";
        let [branch_id, op, barrier_id, reason] = row;
        let mut query = sqlx::query(text(insert, &stage.table));
        for value in ["saga", gid, branch_id, op, barrier_id, reason] {
            query = query.bind(value);
        }
        query.execute(&stage.pool).await.unwrap().rows_affected() == 1
    }

    async fn break_off(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        Self::execute(connection, "KILL CONNECTION_ID()").await
    }

    async fn execute(connection: &mut MySqlConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(statement).execute(connection).await.map(|_| ())
    }
}

async fn add_thirty(connection: &mut MySqlConnection) -> Result<(), BranchError> {
    Ok(MySql::add(connection, 30).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_tried_again_and_takes_effect_once() {
    let Some(stage) = MySql::open().await else { return };
    let options = (*stage.pool.connect_options()).clone();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::start(&server).await;
    let (host, port) = proxy.place().split_once(':').unwrap();
    let lossy = MySqlPool::connect_with(options.host(host).port(port.parse().unwrap())).await.unwrap();

    proxy.set(Answers::LoseThatTo(b"COMMIT"));
    let called = stage.barrier(BranchOp::Action).call(&lossy, async |it| add_thirty(it).await).await;
    assert!(is_retry(&called), "{called:?}");
    proxy.set(Answers::Pass);
    let again = stage.barrier(BranchOp::Action).call(&stage.pool, async |it| add_thirty(it).await).await;
    assert!(matches!(again, Ok(Called::Ran(()) | Called::NothingToDo(Skip::Repeated))), "{again:?}");
    assert_eq!(stage.balance().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_different_gids_for_equal_loses_no_call() {
    // defect M13: this is the table of DTM's documents, whose collation makes nothing of capital letters
    let Some(stage) = MySql::open().await else { return };
    let create = "create table if not exists {table}(
        id bigint(22) primary key auto_increment, trans_type varchar(45) default '', gid varchar(128) default '',
        branch_id varchar(128) default '', op varchar(45) default '', barrier_id varchar(45) default '',
        reason varchar(45) default '', create_time datetime default now(), update_time datetime default now(),
        key(create_time), key(update_time), unique key(gid, branch_id, op, barrier_id)) engine = InnoDB
        default charset = utf8mb4 collate = utf8mb4_general_ci";
    sqlx::raw_sql(text(create, &stage.another)).execute(&stage.pool).await.unwrap();
    let call = async |gid, op| {
        let mut barrier = stage.barrier_of(gid, op).in_table(stage.another.clone());
        barrier.call(&stage.pool, async |it| add_thirty(it).await).await
    };
    assert_eq!(call("order-A", BranchOp::Action).await.unwrap(), Called::Ran(()));
    assert_eq!(call("order-A", BranchOp::Action).await.unwrap(), Called::NothingToDo(Skip::Repeated));
    for (gid, op) in
        [("order-a", BranchOp::Action), ("order-a", BranchOp::Compensate), ("order-A ", BranchOp::Action)]
    {
        let Err(BranchError::Retry(error)) = call(gid, op).await else { panic!("'{gid}' {op} is another's") };
        assert!(matches!(error.downcast_ref(), Some(BarrierError::Confused { .. })), "{error}");
    }
    assert_eq!(call("order-A", BranchOp::Compensate).await.unwrap(), Called::Ran(()));
    assert_eq!(stage.balance().await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_table_is_the_one_of_the_other_sdks() {
    let Some(stage) = MySql::open().await else { return };
    create_table(&stage.pool).await.unwrap();
    let gid = stage.table.to_string();
    let mut barrier = BranchBarrier::new(Mode::Saga, &gid, "01", BranchOp::Action).unwrap();
    barrier.call(&stage.pool, async |it| add_thirty(it).await).await.unwrap();
    let rows =
        sqlx::query("DELETE FROM dtm_barrier.barrier WHERE gid = ?").bind(&gid).execute(&stage.pool).await;
    assert_eq!(rows.unwrap().rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_commits_by_itself_is_noticed() {
    let Some(stage) = MySql::open().await else { return };
    let business = async |connection: &mut MySqlConnection| {
        MySql::add(connection, 30).await?;
        Ok(MySql::execute(connection, "CREATE TABLE commits_what_was_before (id bigint)").await?)
    };
    let Err(BranchError::Retry(error)) = stage.barrier(BranchOp::Action).call(&stage.pool, business).await
    else {
        panic!("it was not noticed");
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::Ended)), "{error}");
    let again = stage.barrier(BranchOp::Action).call(&stage.pool, async |it| add_thirty(it).await).await;
    assert_eq!(
        again.unwrap(),
        Called::NothingToDo(Skip::Repeated),
        "the barrier was committed with the business"
    );
    assert_eq!(stage.balance().await, 30);
}

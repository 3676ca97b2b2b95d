//! PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_barrier::sql::{TableName, create_table, create_table_named};
use dtm_barrier::{BranchBarrier, BranchError, BranchOp, Called, Mode, Skip};
use dtm_testkit::outside::{Answers, Proxy, Service, running};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres};

use crate::bank::{Bank, BarrierRow, Stage, is_retry};

crate::cases::run_the_cases!(Postgres);

struct Place {
    service: Service,
    schema: String,
}

impl Place {
    fn options(&self) -> PgConnectOptions {
        let of = |name: &str| &self.service[&format!("POSTGRES_{name}")];
        let address = format!(
            "postgres://{}:{}@{}:{}/{}?options[search_path]={}",
            of("USER"),
            of("PASSWORD"),
            of("HOST"),
            of("PORT"),
            of("DATABASE"),
            self.schema
        );
        address.parse().unwrap()
    }

    async fn execute(&self, statement: String) {
        let mut connection = PgConnection::connect_with(&self.options()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let schema = &self.schema;
                let statement =
                    format!("DROP SCHEMA {schema} CASCADE; DROP SCHEMA IF EXISTS {schema}_another CASCADE");
                runtime.block_on(self.execute(statement));
            });
        });
    }
}

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(template.replace("{table}", &table.to_string()))
}

impl Bank for Postgres {
    const ERRORS_END: bool = true;

    async fn open() -> Option<Stage<Self>> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = running("postgres", "POSTGRES_HOST")?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = Place { service, schema: format!("barrier{}_{number}", std::process::id()) };
        place.execute(format!("CREATE SCHEMA {}", place.schema)).await;
        let pool = PgPoolOptions::new().max_connections(20).connect_with(place.options()).await.unwrap();
        let table = TableName::new(&format!("{}.barrier", place.schema)).unwrap();
        create_table_named(&pool, &table).await.unwrap();
        let account = "CREATE TABLE account (cents bigint NOT NULL); INSERT INTO account (cents) VALUES (0)";
        sqlx::raw_sql(account).execute(&pool).await.unwrap();
        let another = TableName::new(&format!("{}_another.barrier", place.schema)).unwrap();
        Some(Stage { pool, table, another, _guard: Box::new(place) })
    }

    async fn impatient(stage: &Stage<Self>) -> PgPool {
        stage.pool.clone()
    }

    async fn add(connection: &mut PgConnection, cents: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE account SET cents = cents + $1").bind(cents).execute(connection).await.map(|_| ())
    }

    async fn balance(pool: &PgPool) -> i64 {
        sqlx::query_scalar("SELECT cents FROM account").fetch_one(pool).await.unwrap()
    }

    async fn rows(stage: &Stage<Self>, gid: &str) -> Vec<BarrierRow> {
        let rows = "SELECT branch_id, op, barrier_id, reason FROM {table} WHERE gid = $1 ORDER BY 1, 2, 3, 4";
        sqlx::query_as(text(rows, &stage.table)).bind(gid).fetch_all(&stage.pool).await.unwrap()
    }

    async fn insert_as_go(stage: &Stage<Self>, gid: &str, row: [&str; 4]) -> bool {
        let insert = "insert into {table}(trans_type, gid, branch_id, op, barrier_id, reason) values($1,$2,$3,$4,$5,$6) \
            on conflict ON CONSTRAINT uniq_barrier do nothing";
        let [branch_id, op, barrier_id, reason] = row;
        let mut query = sqlx::query(text(insert, &stage.table));
        for value in ["saga", gid, branch_id, op, barrier_id, reason] {
            query = query.bind(value);
        }
        query.execute(&stage.pool).await.unwrap().rows_affected() == 1
    }

    async fn break_off(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        Self::execute(connection, "SELECT pg_terminate_backend(pg_backend_pid())").await
    }

    async fn execute(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(statement).execute(connection).await.map(|_| ())
    }
}

async fn add_thirty(connection: &mut PgConnection) -> Result<(), BranchError> {
    Ok(Postgres::add(connection, 30).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_tried_again_and_takes_effect_once() {
    let Some(stage) = Postgres::open().await else { return };
    let options = (*stage.pool.connect_options()).clone();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::start(&server).await;
    let (host, port) = proxy.place().split_once(':').unwrap();
    let lossy = PgPool::connect_with(options.host(host).port(port.parse().unwrap())).await.unwrap();

    proxy.set(Answers::LoseThatTo(b"COMMIT"));
    let called = stage.barrier(BranchOp::Action).call(&lossy, async |it| add_thirty(it).await).await;
    assert!(is_retry(&called), "{called:?}");
    proxy.set(Answers::Pass);
    let again = stage.barrier(BranchOp::Action).call(&stage.pool, async |it| add_thirty(it).await).await;
    assert!(matches!(again, Ok(Called::Ran(()) | Called::NothingToDo(Skip::Repeated))), "{again:?}");
    assert_eq!(stage.balance().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_table_is_the_one_of_the_other_sdks() {
    let Some(stage) = Postgres::open().await else { return };
    create_table(&stage.pool).await.unwrap();
    let gid = stage.table.to_string();
    let mut barrier = BranchBarrier::new(Mode::Saga, &gid, "01", BranchOp::Action).unwrap();
    barrier.call(&stage.pool, async |it| add_thirty(it).await).await.unwrap();
    let rows =
        sqlx::query("DELETE FROM dtm_barrier.barrier WHERE gid = $1").bind(&gid).execute(&stage.pool).await;
    assert_eq!(rows.unwrap().rows_affected(), 1);
}

//! Steps of XA: how they end, and what interrupts them, on each line between two records.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dtm_client::workflow::Progress;
use dtm_client::{BranchStatus, Client, Op, Retry};
use dtm_workflow::{BranchError, Error, Workflow, Workflows};
use sqlx::{MySql, Pool, Postgres};

use super::banks::{Bank, clear, new_gid, prepared_of};
use super::site::{Over, Site};
use crate::harness::Server;
use crate::sdk::proxy::Proxy;

const BOTH_COMMITTED: [&str; 4] = ["01 business", "01 action", "02 action", "01 commit"];

/// One step of XA, which takes 30 cents, and a plain one, which may say no. They end as `first` and `second` say for their
/// n-th run.
struct Stage<DB: Bank> {
    server: Server,
    proxy: Proxy,
    site: Site,
    gid: String,
    pool: Pool<DB>,
    runs: Arc<AtomicUsize>,
}

/// What happens in the closure of the first step, after its business.
#[derive(Debug, Clone, Copy)]
enum In {
    Nothing,
    LosesRequest(usize),
    LosesAnswer(usize),
    /// The database vanishes, and the closure does not notice.
    Vanishes,
    Fails,
    Refuses,
}

impl<DB: Bank> Stage<DB> {
    async fn open() -> Option<Self> {
        let pool = DB::open().await?;
        let server = Server::start().await;
        let proxy = Proxy::to(server.port()).await;
        let gid = new_gid();
        DB::open_account(&pool, &gid).await;
        let site = Site::new(Over::Http).await;
        Some(Self { server, proxy, site, gid, pool, runs: Arc::default() })
    }

    /// In its first run, the first step does this. The second step says no when it `refuses`.
    fn workflows(&self, in_first_run: In, refuses: bool) -> Workflows {
        let (gid, pool, proxy, runs) =
            (self.gid.clone(), self.pool.clone(), self.proxy.clone(), Arc::clone(&self.runs));
        let function = move |wf: Workflow, (): ()| {
            let (gid, pool, proxy, runs) = (gid.clone(), pool.clone(), proxy.clone(), Arc::clone(&runs));
            async move {
                let take = async |connection: &mut DB::Connection| {
                    DB::add(connection, &gid, -30).await?;
                    let is_first = runs.fetch_add(1, Ordering::Relaxed) == 0;
                    match in_first_run {
                        In::LosesRequest(number) if is_first => proxy.lose_request(number),
                        In::LosesAnswer(number) if is_first => proxy.lose_answer(number),
                        In::Vanishes if is_first => {
                            DB::end_connection(connection).await.ok();
                        }
                        In::Fails if is_first => Err(std::fmt::Error)?,
                        In::Refuses => return Err(BranchError::roll_back("no money")),
                        _ => {}
                    }
                    Ok("taken".to_owned())
                };
                let taken = wf.branch().named("take").xa(&pool, take).await?;
                let say = async move |_| match refuses {
                    true => Err(BranchError::roll_back("no stock")),
                    false => Ok(()),
                };
                wf.branch().named("say").run(say).await?;
                Ok::<_, BranchError>(taken)
            }
        };
        // What is lost is not made up for.
        let client = Client::builder(&format!("http://127.0.0.1:{}/api/dtmsvr", self.proxy.port()));
        let client = client.retry(Retry::never()).build().unwrap();
        let callback = format!("http://{}/workflow", self.site.address());
        Workflows::builder(client, callback).register("take", function).build().unwrap()
    }

    async fn executed(&self, workflows: &Workflows) -> Result<String, Error> {
        workflows.execute("take", &self.gid, &()).await
    }

    async fn rows(&self) -> Vec<String> {
        self.server.query(&self.gid).await.row_names()
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    async fn prepared(&self) -> usize {
        prepared_of(&self.pool, &self.gid).await.len()
    }

    async fn ends_with(self, status: &str, cents: i64) {
        assert_eq!(self.server.end_of(&self.gid).await.status(), status);
        assert_eq!(DB::balance(&self.pool, &self.gid).await, cents);
        clear(&self.pool, &self.gid).await;
    }
}

async fn what_is_prepared_is_committed_with_the_workflow<DB: Bank>(stage: Stage<DB>) {
    let workflows = stage.workflows(In::Nothing, false);
    assert_eq!(stage.executed(&workflows).await.unwrap(), "taken");
    assert_eq!(stage.rows().await, BOTH_COMMITTED);
    assert_eq!(stage.executed(&workflows).await.unwrap(), "taken");
    assert_eq!(stage.runs(), 1);
    stage.ends_with("succeed", 70).await;
}

async fn what_is_prepared_is_rolled_back_when_a_later_step_says_no<DB: Bank>(stage: Stage<DB>) {
    let error = stage.executed(&stage.workflows(In::Nothing, true)).await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "no stock"), "{error}");
    assert_eq!(stage.rows().await, ["01 business", "01 action", "02 action", "01 rollback"]);
    stage.ends_with("failed", 100).await;
}

async fn a_closure_that_says_no_leaves_nothing<DB: Bank>(stage: Stage<DB>) {
    let error = stage.executed(&stage.workflows(In::Refuses, false)).await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "no money"), "{error}");
    // as with Go's SDK, it is rolled back although it said no
    assert_eq!(stage.rows().await, ["01 action", "01 rollback"]);
    stage.ends_with("failed", 100).await;
}

/// Where it is interrupted, what is recorded and prepared then, and how often the closure runs in the end.
type Line = (In, &'static [&'static str], usize, usize);

const LINES: [Line; 7] = [
    (In::Fails, &[], 0, 2),
    // of "business"
    (In::LosesRequest(1), &[], 0, 2),
    (In::LosesAnswer(1), &["01 business"], 0, 2),
    // between "business" and the end of prepare
    (In::Vanishes, &["01 business"], 0, 2),
    // of "action"
    (In::LosesRequest(2), &["01 business"], 1, 1),
    (In::LosesAnswer(2), &["01 business", "01 action"], 1, 1),
    // of "commit", or "rollback"
    (In::LosesAnswer(4), &["01 business", "01 action", "02 action", "01 "], 0, 1),
];

async fn whatever_interrupts_it_nothing_is_done_twice_or_undone_because_of_it<DB: Bank>(first: Stage<DB>) {
    // invariants I3, I10, I12
    let mut next = Some(first);
    for refuses in [false, true] {
        for (line, rows, prepared, runs) in LINES {
            let stage = match next.take() {
                Some(stage) => stage,
                None => Stage::<DB>::open().await.unwrap(),
            };
            let workflows = stage.workflows(line, refuses);
            let first = stage.executed(&workflows).await;
            assert!(matches!(first, Err(Error::Interrupted { .. })), "{line:?}: {first:?}");
            let found = stage.rows().await;
            assert!(
                found.len() == rows.len() && found.iter().zip(rows).all(|(it, row)| it.starts_with(row)),
                "{line:?}: {found:?}"
            );
            assert_eq!(stage.prepared().await, prepared, "{line:?}");
            // MariaDB may still be at the connection that has gone.
            let ended = loop {
                match stage.executed(&workflows).await {
                    Err(Error::Ongoing { .. }) => tokio::task::yield_now().await,
                    ended => break ended,
                }
            };
            match ended {
                Ok(result) if !refuses => assert_eq!(result, "taken", "{line:?}"),
                Err(Error::RolledBack { reason, .. }) if refuses => {
                    assert_eq!(reason, "no stock", "{line:?}")
                }
                other => panic!("{line:?}: {other:?}"),
            }
            assert_eq!(stage.runs(), runs, "{line:?}");
            let (status, cents) = if refuses { ("failed", 100) } else { ("succeed", 70) };
            stage.ends_with(status, cents).await;
        }
    }
}

async fn a_second_run_with_another_result_says_no<DB: Bank>(stage: Stage<DB>) {
    let (pool, gid, runs) = (stage.pool.clone(), stage.gid.clone(), Arc::clone(&stage.runs));
    let function = move |wf: Workflow, (): ()| {
        let (pool, gid, runs) = (pool.clone(), gid.clone(), Arc::clone(&runs));
        async move {
            let take = async |connection: &mut DB::Connection| {
                DB::add(connection, &gid, -30).await?;
                let run = runs.fetch_add(1, Ordering::Relaxed);
                if run == 0 {
                    DB::end_connection(connection).await.ok();
                }
                Ok(run)
            };
            wf.branch().xa(&pool, take).await
        }
    };
    let workflows = stage.site.instance(&stage.server).register("take", function).build().unwrap();
    let executed = async || workflows.execute::<_, usize>("take", &stage.gid, &()).await;
    assert!(matches!(executed().await, Err(Error::Interrupted { .. })));
    let error = loop {
        match executed().await.unwrap_err() {
            Error::Ongoing { .. } => tokio::task::yield_now().await,
            error => break error,
        }
    };
    assert!(
        matches!(&error, Error::RolledBack { reason, .. } if reason.contains("another result")),
        "{error}"
    );
    assert_eq!(stage.rows().await, ["01 business", "01 action", "01 rollback"]);
    stage.ends_with("failed", 100).await;
}

async fn a_step_that_go_was_interrupted_in_is_undone_as_go_does<DB: Bank>(stage: Stage<DB>) {
    // Go's SDK records no result before it prepares, so there is none to go on with.
    let client = Client::http(&format!("http://127.0.0.1:{}/api/dtmsvr", stage.server.port())).unwrap();
    let workflows = stage.workflows(In::Fails, false);
    assert!(matches!(stage.executed(&workflows).await, Err(Error::Interrupted { .. })));
    let business = Progress::new("01", Op::Business, BranchStatus::Succeed, "");
    let business = client.register_progress(&stage.gid, &business);
    let mut barrier = dtm_barrier::BranchBarrier::new(
        dtm_client::Mode::Workflow,
        &stage.gid,
        "01",
        dtm_barrier::BranchOp::Action,
    )
    .unwrap();
    let take = async |connection: &mut DB::Connection| Ok(DB::add(connection, &stage.gid, -30).await?);
    barrier.xa_prepare(&stage.pool, take, async { Ok(business.await?) }).await.unwrap();
    assert_eq!(stage.prepared().await, 1);
    let error = stage.executed(&workflows).await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason.contains("an SDK that")), "{error}");
    assert_eq!(stage.rows().await, ["01 business", "01 action", "01 rollback"]);
    stage.ends_with("failed", 100).await;
}

async fn a_branch_with_a_callback_takes_no_step_of_xa<DB: Bank>(stage: Stage<DB>) {
    let pool = stage.pool.clone();
    let function = move |wf: Workflow, (): ()| {
        let pool = pool.clone();
        async move {
            let branch = wf.branch().named("take").on_commit(async |_| Ok(()));
            branch.xa(&pool, async |_: &mut DB::Connection| Ok(())).await
        }
    };
    let workflows = stage.site.instance(&stage.server).register("take", function).build().unwrap();
    let error = workflows.execute::<_, ()>("take", &stage.gid, &()).await.unwrap_err();
    assert!(error.to_string().contains("branch 01 'take' is a step of XA"), "{error}");
    assert!(stage.rows().await.is_empty());
    clear(&stage.pool, &stage.gid).await;
}

macro_rules! cases {
    ($($case:ident)+) => {
        mod mysql { use super::*; $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(stage) = Stage::<MySql>::open().await { super::$case(stage).await }
            }
        )+ }
        mod postgres { use super::*; $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(stage) = Stage::<Postgres>::open().await { super::$case(stage).await }
            }
        )+ }
    };
}

cases! {
    what_is_prepared_is_committed_with_the_workflow
    what_is_prepared_is_rolled_back_when_a_later_step_says_no
    a_closure_that_says_no_leaves_nothing
    whatever_interrupts_it_nothing_is_done_twice_or_undone_because_of_it
    a_second_run_with_another_result_says_no
    a_step_that_go_was_interrupted_in_is_undone_as_go_does
    a_branch_with_a_callback_takes_no_step_of_xa
}

//! The transfers that the application begins, in each mode.

use std::sync::Arc;
use std::time::Duration;

use dtm_barrier::{BranchBarrier, Done};
use dtm_client::branch::BranchError;
use dtm_client::{Error, Message};
use dtm_workflow::{BranchCalls as _, Workflow, Workflows};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::{MySqlConnection, PgConnection};

use super::super::banks::{Bank, Booking, book_mysql, book_postgres};
use super::branches;
use super::process::{Application, Mode};
use super::transfer::{Leg, Transfer};

/// Transfers at the same time in one process. Each death of a workflow has it called back, by a process that dies again: more
/// of them would keep the machine busy with nothing else.
const fn at_once(mode: Mode) -> u64 {
    match mode {
        Mode::Message | Mode::Tcc => 3,
        Mode::Xa => 2,
        Mode::Workflow => 1,
    }
}

/// When the server gives up a transaction whose client has died.
const TIME_OUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);

/// Begins one transfer after the other, until the process dies.
pub(super) fn begin(application: &Arc<Application>, workflows: &Workflows) {
    for task in 0..at_once(application.told.mode) {
        let (application, workflows) = (Arc::clone(application), workflows.clone());
        tokio::spawn(async move {
            let told = &application.told;
            let from = told.seed ^ ((told.number as u64) << 32) ^ ((told.life as u64) << 8) ^ task;
            let mut rng = StdRng::seed_from_u64(from);
            for turn in 0.. {
                let gid = format!("{}{}-{}-{task}-{turn}", told.run, told.number, told.life);
                let transfer = Transfer::draw(&mut rng, gid, told.sites.len());
                application.is_at(&transfer.gid, "client", "beginning");
                let end = match told.mode {
                    Mode::Message => told_by(message(&application, &transfer).await),
                    Mode::Tcc => told_by(tcc(&application, &transfer).await),
                    Mode::Xa => told_by(xa(&application, &transfer).await),
                    Mode::Workflow => match workflows.execute("transfer", &transfer.gid, &transfer).await {
                        Ok(()) => "done",
                        Err(dtm_workflow::Error::RolledBack { .. }) => "undone",
                        Err(_) => "unknown",
                    },
                };
                application.is_at(&transfer.gid, "client", end);
            }
        });
    }
}

/// What its caller now knows.
fn told_by(result: Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(Error::Closure { fate: dtm_client::Fate::RolledBack, .. } | Error::RolledBack { .. }) => "undone",
        Err(_) => "unknown",
    }
}

/// Out by a local transaction, in by a branch.
async fn message(application: &Application, transfer: &Transfer) -> Result<(), Error> {
    let Transfer { gid, out, into, is_refused } = transfer;
    let message: Message = application.client.message(gid.as_str());
    let message = message
        .step(application.url(*into, "/barrier/in"), &into.order(false))
        .retry_interval(PAUSE)
        .timeout_to_fail(TIME_OUT);
    let booking = Booking { gid, what: "out action", account: out.account, cents: out.cents, frozen: 0 };
    let refused = || match is_refused {
        true => Err(BranchError::roll_back("too little")),
        false => {
            application.is_at(gid, "client", "committing");
            Ok(())
        }
    };
    let back_check = application.own_url("/back-check/") + out.bank.name();
    match out.bank {
        Bank::Mysql => {
            let business = async |connection: &mut MySqlConnection| {
                application.is_at(gid, "client", "in-the-business");
                book_mysql(connection, &booking).await?;
                refused()
            };
            message.do_and_submit_db(back_check, &application.banks.mysql, business).await.map(|_| ())
        }
        Bank::Postgres => {
            let business = async |connection: &mut PgConnection| {
                application.is_at(gid, "client", "in-the-business");
                book_postgres(connection, &booking).await?;
                refused()
            };
            message.do_and_submit_db(back_check, &application.banks.postgres, business).await.map(|_| ())
        }
    }
}

async fn tcc(application: &Application, transfer: &Transfer) -> Result<(), Error> {
    let Transfer { gid, out, into, is_refused } = transfer;
    let tcc = application.client.tcc(gid.as_str()).retry_interval(PAUSE).timeout_to_fail(TIME_OUT);
    let run = tcc.run(async |tcc| {
        for (leg, path, refuses) in [(out, "/barrier/out", false), (into, "/barrier/in", *is_refused)] {
            application.is_at(gid, "client", "trying");
            let url = application.url(*leg, path);
            tcc.branch(&*url).confirm(&*url).cancel(&*url).call(&leg.order(refuses)).await?;
        }
        application.is_at(gid, "client", "submitting");
        Ok(())
    });
    run.await
}

async fn xa(application: &Application, transfer: &Transfer) -> Result<(), Error> {
    let Transfer { gid, out, into, is_refused } = transfer;
    let xa = application.client.xa(gid.as_str()).retry_interval(PAUSE).timeout_to_fail(TIME_OUT);
    let run = xa.run(async |xa| {
        for (leg, path, refuses) in [(out, "/xa/out", false), (into, "/xa/in", *is_refused)] {
            application.is_at(gid, "client", "calling");
            xa.call(application.url(*leg, path), &leg.order(refuses)).await?;
        }
        application.is_at(gid, "client", "submitting");
        Ok(())
    });
    run.await
}

/// Out by a service, a fee by a step of its own, in by a service. Each is undone by what has done it.
pub(super) async fn workflow(
    application: Arc<Application>,
    wf: Workflow,
    transfer: Transfer,
) -> Result<(), BranchError> {
    let Transfer { gid, out, into, is_refused } = transfer;
    let call = |leg: Leg, path: &str, refuses: bool| {
        application.http.post(application.url(leg, path)).json(&leg.order(refuses))
    };
    application.is_at(&gid, "function", "step-1");
    let back = call(out, "/barrier/out", false);
    wf.branch()
        .named("out")
        .on_rollback(async move |barrier| barrier.send(back).await)
        .send(call(out, "/barrier/out", false))
        .await?;
    application.is_at(&gid, "function", "step-2");
    let (run, back) = (Arc::clone(&application), Arc::clone(&application));
    wf.branch()
        .named("fee")
        .on_rollback(move |barrier| fee(back, barrier, out))
        .run(move |barrier| fee(run, barrier, out))
        .await?;
    application.is_at(&gid, "function", "step-3");
    wf.branch().named("in").send(call(into, "/barrier/in", is_refused)).await?;
    application.is_at(&gid, "function", "over");
    Ok(())
}

/// A step in the process itself: it moves nothing, and leaves its trace.
async fn fee(application: Arc<Application>, barrier: BranchBarrier, out: Leg) -> Result<(), BranchError> {
    let order = Leg { cents: 0, ..out }.order(false);
    branches::book(&application, barrier, "fee", out.bank, order).await.map(|Done| ())
}

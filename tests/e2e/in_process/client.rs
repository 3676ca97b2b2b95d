//! `dtm-client` on the coordinator of this process: what it says is what it says over a wire.

use std::time::Duration;

use dtm_client::branch::{BranchContext, BranchError, BranchOp, BranchResult, Done};
use dtm_client::{BranchBarrier, BranchStatus, CallError, Client, Error, Fate, Step, Tcc};
use dtm_server::embedded::{Embedded, EmbeddedBuilder, Status, local};
use sqlx::SqlitePool;
use tokio::time::timeout;

use super::application::{Application, at};
use super::seen::{Act, Seen};
use crate::harness::{Branches, PATIENCE, Place, Reply};

const NAMES: &[&str] = &["stock", "stock-undo", "pay", "pay-undo", "trip-undo"];

/// With a try that has branches of its own.
fn builder(place: &Place, seen: &Seen) -> (EmbeddedBuilder, Client) {
    let builder = seen.register(at(place), NAMES);
    let client = builder.client().unwrap();
    let trip = |(seen, client): (Seen, Client), call: BranchContext, count: u32| async move {
        seen.called("trip", &call, count).await?;
        if call.op == BranchOp::Try {
            let tcc = Tcc::from_branch(&client, &call)?;
            tcc.branch(local("stock"))
                .confirm(local("stock"))
                .cancel(local("stock-undo"))
                .call(&count)
                .await?;
        }
        BranchResult::Ok(Done)
    };
    (builder.branch_with("trip", &(seen.clone(), client.clone()), trip), client)
}

async fn start(place: &Place, seen: &Seen) -> (Embedded, Client) {
    let (builder, client) = builder(place, seen);
    (builder.start().await.unwrap(), client)
}

fn step(action: &str, count: u32) -> Step {
    Step::new(local(action), local(&format!("{action}-undo"))).payload(&count).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_is_submitted_awaited_repeated_and_shown_as_over_a_wire() {
    // decisions 1, 5; behaviour 28
    let (place, seen, branches) = (Place::new(), Seen::default(), Branches::start().await);
    branches.on("/charge", [Reply::ok(), Reply::failure()]);
    let (app, client) = start(&place, &seen).await;
    let saga = |gid: &str| {
        let remote = Step::new(branches.url("/charge"), branches.url("/refund")).payload(&2).unwrap();
        client.saga(gid).step(step("stock", 1)).step(remote).wait_result()
    };
    for _ in 0..2 {
        assert_eq!(saga("good").submit().await.unwrap().status, Status::Succeed);
        match saga("bad").submit().await {
            Err(Error::RolledBack { reason, .. }) => assert!(reason.contains("no stock"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    let called = ["stock 01 action 1", "stock 01 action 1", "stock-undo 01 compensate 1"];
    assert_eq!(seen.calls(), called, "nothing is started twice");
    assert_eq!(branches.paths(), ["/charge", "/charge", "/refund"]);

    let other = client.saga("good").step(step("stock", 7)).submit().await;
    assert!(matches!(other, Err(Error::Refused { code: 409, .. })), "{other:?}");
    let shown = client.query("bad").await.unwrap().unwrap();
    assert_eq!(shown.status, Status::Failed);
    let undone = &shown.branches[0];
    assert_eq!((undone.branch_id.as_str(), undone.op.as_str()), ("01", "compensate"));
    assert_eq!((undone.status, undone.url.as_str()), (BranchStatus::Succeed, "local:stock-undo"));
    assert_eq!(timeout(PATIENCE, client.wait("bad")).await.unwrap().unwrap(), shown);
    assert_eq!(app.client().status("none").await.unwrap(), None);
    let gid = client.saga_with_new_gid().step(step("pay", 1)).submit().await.unwrap().gid;
    assert!(client.status(&gid).await.unwrap().is_some());
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_called_or_is_too_large_is_refused_and_a_branch_that_hangs_is_no_failure() {
    // decisions 5, 14
    let (place, seen) = (Place::new(), Seen::default());
    let (app, client) = start(&place, &seen).await;
    for (step, expected, words) in [
        (Step::new(local("storck"), ""), 400, "no branch of this program is registered as 'storck'"),
        (Step::new("localhost:80", ""), 400, "http://"),
        (Step::new(local("stock"), "").payload(&"x".repeat(9 << 20)).unwrap(), 413, "at most 8388608"),
    ] {
        match client.saga("g").step(step).submit().await {
            Err(Error::Refused { code, message, .. }) => {
                assert!(code == expected && message.contains(words), "{code} {message}");
            }
            other => panic!("{other:?}"),
        }
    }
    let zero = client.saga("g").step(step("stock", 1)).request_timeout(Duration::ZERO).submit().await;
    assert!(matches!(zero, Err(Error::Invalid { .. })), "{zero:?}");
    assert_eq!(client.status("g").await.unwrap(), None, "nothing is stored");

    seen.on("stock", [Act::Hang]);
    let slow =
        client.saga("slow").step(step("stock", 1)).request_timeout(Duration::from_secs(1)).wait_result();
    match slow.submit().await {
        Err(Error::StillRunning { status, .. }) => assert_eq!(status, Status::Submitted),
        other => panic!("{other:?}"),
    }
    assert_eq!(timeout(PATIENCE, client.wait("slow")).await.unwrap().unwrap().status, Status::Succeed);
    seen.on("pay", [Act::Hang]);
    let impatient =
        app.coordinator().client_builder().wait_timeout(Duration::from_millis(100)).build().unwrap();
    let unknown = impatient.saga("h").step(step("pay", 1)).wait_result().submit().await;
    assert!(matches!(unknown, Err(Error::Unknown { .. })), "{unknown:?}");
    let headed = app.coordinator().client_builder().bearer_token("x").build();
    assert!(matches!(headed, Err(Error::Invalid { field: "header", .. })), "nobody would get it: {headed:?}");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcc_calls_tries_of_this_process_and_remote_ones_and_tries_have_branches_of_their_own() {
    // behaviour 75, 79; features 1.5
    let (place, seen, branches) = (Place::new(), Seen::default(), Branches::start().await);
    let (app, client) = start(&place, &seen).await;
    let run = async |gid: &str| {
        let tcc = client.tcc(gid).wait_result();
        tcc.run(async |tcc| {
            tcc.branch(local("trip")).confirm(local("trip")).cancel(local("trip-undo")).call(&1).await?;
            let remote = tcc.branch(branches.url("/try")).confirm(branches.url("/confirm"));
            remote.cancel(branches.url("/cancel")).call(&2).await?;
            Ok(7)
        })
        .await
    };
    assert_eq!(run("good").await.unwrap(), 7);
    let confirmed = ["trip 01 try 1", "stock 0101 try 1", "stock 0101 confirm 1", "trip 01 confirm 1"];
    assert_eq!(in_order_of_phases(seen.calls()), in_order_of_phases(confirmed));
    assert_eq!(branches.paths(), ["/try", "/confirm"]);

    branches.on("/try", [Reply::failure()]);
    match run("bad").await {
        Err(Error::Closure { cause: BranchError::Retry(cause), fate: Fate::RolledBack, .. }) => {
            assert!(matches!(cause.downcast_ref(), Some(CallError::RollBack { .. })), "{cause}");
        }
        other => panic!("{other:?}"),
    }
    let cancelled =
        ["trip 01 try 1", "stock 0101 try 1", "stock-undo 0101 cancel 1", "trip-undo 01 cancel 1"];
    assert_eq!(in_order_of_phases(seen.calls().split_off(4)), in_order_of_phases(cancelled));
    assert_eq!(client.status("bad").await.unwrap(), Some(Status::Failed));
    app.stop().await.unwrap();
}

/// Whether the branch of a branch is confirmed before or after it is the coordinator's business.
fn in_order_of_phases(calls: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut calls: Vec<String> = calls.into_iter().map(Into::into).collect();
    if let Some(second) = calls.get_mut(2..) {
        second.sort();
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_of_this_process_that_panics_hangs_or_says_no_cancels_everything() {
    // features 1.5
    let (place, seen) = (Place::new(), Seen::default());
    let (app, client) = start(&place, &seen).await;
    for (act, expected) in [
        (Act::Panic, "nobody knows whether local:pay did it: local:pay panicked"),
        (Act::Hang, "nobody knows whether local:pay did it: local:pay: not done within 1 s"),
        (Act::SayNo, "local:pay said no: sold out"),
    ] {
        seen.on("pay", [act]);
        let before = seen.calls().len();
        let gid = format!("{act:?}");
        let tcc = client.tcc(&gid).wait_result().request_timeout(Duration::from_secs(1));
        let swallowed = tcc.run(async |tcc| {
            tcc.branch(local("stock")).confirm(local("stock")).cancel(local("stock-undo")).call(&1).await?;
            let pay = tcc.branch(local("pay")).confirm(local("pay")).cancel(local("pay-undo"));
            let error = pay.call(&2).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
            let unknown = tcc.branch(local("storck")).call(&3).await.unwrap_err();
            assert!(matches!(unknown, CallError::NotCalled(Error::Invalid { .. })), "{unknown}");
            Ok(())
        });
        let swallowed = swallowed.await;
        assert!(matches!(swallowed, Err(Error::Closure { fate: Fate::RolledBack, .. })), "{swallowed:?}");
        let calls = seen.calls().split_off(before);
        assert_eq!(calls[2..], ["pay-undo 02 cancel 2", "stock-undo 01 cancel 1"], "{act:?}");
    }
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_follows_a_transaction_of_a_database_and_the_back_check_is_a_function() {
    // I7; features 1.7
    let (place, seen) = (Place::new(), Seen::default());
    let pool = SqlitePool::connect(&format!("sqlite://{}?mode=rwc", place.beside("shop.db"))).await.unwrap();
    dtm_barrier::sql::create_table(&pool).await.unwrap();
    sqlx::query("CREATE TABLE orders (id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
    let committed = |pool: SqlitePool, call: BranchContext, (): ()| async move {
        BranchBarrier::try_from(call)?.query_prepared(&pool).await
    };
    let builder = seen.register(at(&place), NAMES).branch_with("committed", &pool, committed);
    let client = builder.client().unwrap();
    let app = builder.start().await.unwrap();
    let message = |gid: &str| {
        client.message(gid).timeout_to_fail(Duration::from_secs(1)).wait_result().step(local("stock"), &7)
    };
    let order = async |gid: &str| {
        let sent = message(gid).do_and_submit_db(local("committed"), &pool, async |connection| {
            sqlx::query("INSERT INTO orders (id) VALUES ('one')").execute(connection).await?;
            Ok(())
        });
        sent.await.map(|called| called.ran())
    };
    assert_eq!(order("first").await.unwrap(), Some(()));
    assert_eq!(seen.calls(), ["stock 01 action 7"]);
    // the key is taken: the client asks the function, which knows that nothing was committed
    let refused = order("second").await;
    assert!(matches!(refused, Err(Error::Closure { fate: Fate::RolledBack, .. })), "{refused:?}");
    assert_eq!(client.status("second").await.unwrap(), Some(Status::Failed));
    // nobody says how it ended: the coordinator asks
    message("third").query_prepared(local("committed")).prepare().await.unwrap();
    let third = timeout(PATIENCE, client.wait("third")).await.unwrap().unwrap();
    assert_eq!((third.status, seen.calls().len()), (Status::Failed, 1));
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_start_and_after_the_end_nothing_is_a_failure() {
    let (place, seen) = (Place::new(), Seen::default());
    let (builder, client) = builder(&place, &seen);
    let saga = |client: &Client, gid: &str| client.saga(gid).step(step("stock", 1)).wait_result();
    let early = saga(&client, "g").submit().await.unwrap_err();
    assert!(early.to_string().contains("has not been started"), "{early}");
    assert!(matches!(client.status("g").await, Err(Error::NoAnswer { .. })));
    let app = builder.start().await.unwrap();
    assert_eq!(saga(&client, "g").submit().await.unwrap().status, Status::Succeed);
    app.stop().await.unwrap();
    let late = saga(&client, "late").submit().await.unwrap_err();
    assert!(matches!(late, Error::Unknown { .. }) && late.to_string().contains("has stopped"), "{late}");
    let tcc = client.tcc("late").run(async |_| Ok(())).await;
    assert!(matches!(tcc, Err(Error::NoAnswer { .. })), "{tcc:?}");

    let never = seen.register(at(&place), &[]).client().unwrap();
    let never = saga(&never, "g").submit().await.unwrap_err();
    assert!(matches!(never, Error::Unknown { .. }), "its builder is gone: {never}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_while_the_coordinator_stops_is_told_no_failure_and_the_next_start_goes_on() {
    // decision 28
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("stock", [Act::Hang]);
    let (builder, client) = builder(&place, &seen);
    let soon = Duration::from_millis(100);
    let app = builder.configure(|config| config.runner.drain_timeout = soon).start().await.unwrap();
    let saga = client.saga("g").step(step("stock", 1)).wait_result().request_timeout(Duration::from_secs(60));
    let waiting = tokio::spawn(async move { saga.submit().await });
    seen.wait_for(1).await;
    let asking = tokio::spawn(async move { client.wait("g").await });
    app.stop().await.unwrap();
    let told = timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(told, Error::StillRunning { .. } | Error::Unknown { .. }), "{told}");
    let told = timeout(PATIENCE, asking).await.unwrap().unwrap().unwrap_err();
    assert!(told.is_temporary(), "{told}");

    let (app, client) = start(&place, &seen).await;
    assert_eq!(timeout(PATIENCE, client.wait("g")).await.unwrap().unwrap().status, Status::Succeed);
    app.stop().await.unwrap();
}

#[test]
fn a_branch_of_the_last_start_has_its_client_at_once() {
    let (place, first, second) = (Place::new(), Seen::default(), Seen::default());
    first.on("nested", [Act::Hang]);
    let builder = |seen: &Seen| {
        let builder = seen.register(at(&place), NAMES);
        let client = builder.client().unwrap();
        let nested = |(seen, client): (Seen, Client), call: BranchContext, count: u32| async move {
            seen.called("nested", &call, count).await?;
            client.saga(format!("{}-inner", call.gid)).step(step("pay", count)).submit().await?;
            BranchResult::Ok(Done)
        };
        builder.branch_with("nested", &(seen.clone(), client), nested)
    };
    let app = Application::start(builder(&first));
    app.run(async |app| {
        let outer = app.client().saga("g").step(Step::new(local("nested"), "").payload(&1).unwrap());
        outer.request_timeout(Duration::from_secs(60)).submit().await.unwrap();
        first.wait_for(1).await;
    });
    app.die();

    let app = Application::start(builder(&second).configure(|config| {
        // were it tried again, this would take longer than the test waits
        config.policy.retry_interval = dtm_core::model::Seconds::new(300);
    }));
    app.run(async |app| {
        let client = app.client();
        assert_eq!(timeout(PATIENCE, client.wait("g")).await.unwrap().unwrap().status, Status::Succeed);
        assert_eq!(timeout(PATIENCE, client.wait("g-inner")).await.unwrap().unwrap().status, Status::Succeed);
    });
    assert_eq!(second.calls(), ["nested 01 action 1", "pay 01 action 1"]);
    app.stop();
}

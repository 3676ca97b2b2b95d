//! Workflows whose callback is a function of the application.

use std::time::Duration;

use dtm_client::Op;
use dtm_server::embedded::{BranchContext, BranchOp, Embedded, EmbeddedBuilder, Mode, Status, local};
use dtm_workflow::{BranchError, Error, Workflow, Workflows};
use tokio::time::timeout;

use super::application::{Application, at, end_of};
use super::seen::{Act, Seen};
use crate::harness::{PATIENCE, Place};

/// `out`, then `in`; both have a rollback and a commit, and are seen.
async fn transfer(seen: Seen, wf: Workflow, count: u32) -> Result<u32, BranchError> {
    for (name, undo, done) in [("out", "out-undo", "out-done"), ("in", "in-undo", "in-done")] {
        let told = |name, op| {
            let seen = seen.clone();
            async move |barrier: dtm_workflow::BranchBarrier| {
                let of = barrier.context();
                let call = BranchContext::new(of.gid.as_str(), of.branch_id.as_str(), op, Mode::Workflow);
                seen.called(name, &call, count).await.map(|_| ())
            }
        };
        let branch =
            wf.branch().on_rollback(told(undo, BranchOp::Rollback)).on_commit(told(done, BranchOp::Commit));
        branch.run(told(name, BranchOp::Action)).await?;
    }
    Ok(count + 1)
}

fn application(place: &Place, seen: &Seen) -> (EmbeddedBuilder, Workflows) {
    let builder = at(place);
    let own = seen.clone();
    let workflows = Workflows::builder(builder.client().unwrap(), local("workflow"))
        .retry_interval(Duration::from_secs(1))
        .register("transfer", move |wf, count: u32| transfer(own.clone(), wf, count))
        .build()
        .unwrap();
    (builder.workflows("workflow", workflows.clone()), workflows)
}

async fn start(place: &Place, seen: &Seen) -> (Embedded, Workflows) {
    let (builder, workflows) = application(place, seen);
    (builder.start().await.unwrap(), workflows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_is_committed_or_rolled_back_and_how_it_ended_is_kept() {
    // behaviour 94 to 97
    let (place, seen) = (Place::new(), Seen::default());
    let (app, workflows) = start(&place, &seen).await;
    for _ in 0..2 {
        assert_eq!(workflows.execute::<_, u32>("transfer", "good", &30_u32).await.unwrap(), 31);
    }
    let calls = ["out 01 action 30", "in 02 action 30", "in-done 02 commit 30", "out-done 01 commit 30"];
    assert_eq!(seen.calls(), calls);
    seen.on("in", [Act::SayNo]);
    for _ in 0..2 {
        match workflows.execute::<_, u32>("transfer", "bad", &30_u32).await {
            Err(Error::RolledBack { reason, .. }) => assert_eq!(reason, "sold out"),
            other => panic!("{other:?}"),
        }
    }
    let calls = ["out 01 action 30", "in 02 action 30", "out-undo 01 rollback 30"];
    assert_eq!(seen.calls()[4..], calls);
    let shown = app.client().query("bad").await.unwrap().unwrap();
    assert_eq!(shown.status, Status::Failed);
    let rows: Vec<_> = shown.branches.iter().map(|row| (row.branch_id.as_str(), row.op)).collect();
    assert_eq!(rows, [("01", Op::Action), ("02", Op::Action), ("01", Op::Rollback)]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_whose_step_fails_or_panics_is_called_back_and_goes_on() {
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("in", [Act::Err, Act::Panic]);
    let (app, workflows) = start(&place, &seen).await;
    let interrupted = workflows.execute::<_, u32>("transfer", "g", &30_u32).await;
    assert!(matches!(interrupted, Err(Error::Interrupted { .. })), "{interrupted:?}");
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    let calls = seen.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("out ")).count(), 1, "recorded, not repeated");
    assert_eq!(calls.iter().filter(|call| call.starts_with("in ")).count(), 3, "{calls:?}");
    assert_eq!(workflows.execute::<_, u32>("transfer", "g", &30_u32).await.unwrap(), 31);
    app.stop().await.unwrap();
}

#[test]
fn a_workflow_of_an_application_that_died_goes_on_by_itself_after_the_next_start() {
    // I12
    let (place, first, second) = (Place::new(), Seen::default(), Seen::default());
    first.on("in", [Act::Hang]);
    let (builder, workflows) = application(&place, &first);
    let app = Application::start(builder);
    app.run(async |_| {
        tokio::spawn(async move { workflows.execute::<_, u32>("transfer", "g", &30_u32).await });
        first.wait_for(2).await;
    });
    app.die();
    assert_eq!(first.dropped(), 1, "a step was under way");

    let (builder, workflows) = application(&place, &second);
    let app = Application::start(builder);
    app.run(async |app| {
        assert_eq!(end_of(app, "g").await, Status::Succeed);
        assert_eq!(workflows.execute::<_, u32>("transfer", "g", &30_u32).await.unwrap(), 31);
    });
    let calls = ["in 02 action 30", "in-done 02 commit 30", "out-done 01 commit 30"];
    assert_eq!(second.calls(), calls, "the first step is recorded");
    app.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_is_under_way_when_the_coordinator_stops_goes_on_after_the_next_start() {
    // decision 28
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("in", [Act::Hang]);
    let (app, workflows) = start(&place, &seen).await;
    let executing = tokio::spawn(async move { workflows.execute::<_, u32>("transfer", "g", &30_u32).await });
    seen.wait_for(2).await;
    timeout(PATIENCE, app.stop()).await.expect("nobody waits for what the application does itself").unwrap();
    executing.abort();
    seen.wait_for_dropped(1).await;

    let (app, workflows) = start(&place, &seen).await;
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    assert_eq!(workflows.execute::<_, u32>("transfer", "g", &30_u32).await.unwrap(), 31);
    let calls = seen.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("out ")).count(), 1, "{calls:?}");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_is_not_registered_is_refused_before_a_step_runs_and_a_branch_is_no_callback() {
    // decision 14
    let (place, seen) = (Place::new(), Seen::default());
    let builder = seen.register(at(&place), &["stock"]);
    let client = builder.client().unwrap();
    let app = builder.start().await.unwrap();
    let own = seen.clone();
    let function = move |wf, count: u32| transfer(own.clone(), wf, count);
    let of = |callback: &str| {
        Workflows::builder(client.clone(), local(callback))
            .register("transfer", function.clone())
            .build()
            .unwrap()
    };
    let refused = of("workflow").execute::<_, u32>("transfer", "g", &30_u32).await;
    assert!(
        matches!(refused, Err(Error::Server(dtm_client::Error::Refused { code: 400, .. }))),
        "{refused:?}"
    );
    assert!(seen.calls().is_empty(), "{:?}", seen.calls());
    assert_eq!(app.status("g").await.unwrap(), None);

    // one that leads to a branch can be stored, and never does harm: it is called, and asked again
    seen.on("in", [Act::Err]);
    let interrupted = of("stock").execute::<_, u32>("transfer", "h", &30_u32).await;
    assert!(matches!(interrupted, Err(Error::Interrupted { .. })), "{interrupted:?}");
    app.retry_now("h").await.unwrap();
    assert_eq!(app.status("h").await.unwrap(), Some(Status::Prepared));
    app.stop().await.unwrap();
}

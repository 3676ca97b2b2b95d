//! An execution that ends on any line, and the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dtm_client::{Op, Status};
use futures_util::FutureExt;

use super::memory::Memory;
use crate::{BranchError, Error, Workflow, Workflows};

/// How often each of three things happened: the first action, the second, and the rollback of the first.
type Counts = Arc<[AtomicUsize; 3]>;

fn counted(counts: &Counts) -> [usize; 3] {
    [0, 1, 2].map(|at| counts[at].load(Ordering::Relaxed))
}

/// Two branches; the second ends as `second` says for its n-th run.
fn two<F>(memory: &Memory, counts: &Counts, second: F) -> Workflows
where
    F: Fn(usize) -> Result<u8, BranchError> + Clone + Send + Sync + 'static,
{
    let counts = Arc::clone(counts);
    let function = move |wf: Workflow, (): ()| {
        let (counts, second) = (Arc::clone(&counts), second.clone());
        async move {
            let happened = move |at: usize| {
                let counts = Arc::clone(&counts);
                move || counts[at].fetch_add(1, Ordering::Relaxed)
            };
            let (one, two, undo) = (happened(0), happened(1), happened(2));
            wf.branch().on_rollback(async move |_| Ok(undo())).run(async move |_| Ok(one())).await?;
            wf.branch().named("second").run(async move |_| second(two())).await
        }
    };
    memory.workflows().register("two", function).build().unwrap()
}

async fn executed(workflows: &Workflows) -> Result<u8, Error> {
    workflows.execute("two", "g", &()).await
}

#[tokio::test]
async fn a_step_that_only_failed_is_run_again_and_what_is_recorded_is_not() {
    // invariant I12
    let errors: [(fn() -> BranchError, bool); 2] =
        [(|| BranchError::Ongoing, true), (|| std::fmt::Error.into(), false)];
    for (first, is_ongoing) in errors {
        let (memory, counts) = (Memory::default(), Counts::default());
        let workflows = two(&memory, &counts, move |run| if run == 0 { Err(first()) } else { Ok(7) });
        let error = executed(&workflows).await.unwrap_err();
        assert_eq!(matches!(error, Error::Ongoing { .. }), is_ongoing, "{error}");
        assert!(error.is_temporary());
        assert_eq!((memory.rows("g"), memory.end("g")), (vec!["01 action succeed".to_owned()], None));
        assert_eq!(executed(&workflows).await.unwrap(), 7);
        assert_eq!(counted(&counts), [1, 2, 0]);
    }
}

#[tokio::test]
async fn a_panic_is_contained_and_rolls_nothing_back() {
    let (memory, counts) = (Memory::default(), Counts::default());
    let workflows = two(&memory, &counts, |run| if run == 0 { panic!("out of cheese") } else { Ok(7) });
    let error = executed(&workflows).await.unwrap_err();
    assert!(error.to_string().contains("the function panicked: out of cheese"), "{error}");
    assert!(error.is_temporary());
    assert_eq!(executed(&workflows).await.unwrap(), 7, "the gid is free again");
    assert_eq!(counted(&counts), [1, 2, 0]);
}

#[tokio::test]
async fn an_execution_that_is_dropped_half_way_goes_on_where_it_was() {
    let (memory, counts) = (Memory::default(), Counts::default());
    let function = |run: usize| async move {
        if run == 0 {
            std::future::pending::<()>().await;
        }
        Ok::<_, BranchError>(7)
    };
    let shared = Arc::clone(&counts);
    let workflow = move |wf: Workflow, (): ()| {
        let counts = Arc::clone(&shared);
        async move {
            wf.branch().run(async |_| Ok(1)).await?;
            wf.branch().run(async move |_| function(counts[1].fetch_add(1, Ordering::Relaxed)).await).await
        }
    };
    let workflows = memory.workflows().register("two", workflow).build().unwrap();
    assert!(executed(&workflows).now_or_never().is_none(), "it hangs in its second step");
    assert_eq!(memory.rows("g"), ["01 action succeed"]);
    assert_eq!(executed(&workflows).await.unwrap(), 7);
    assert_eq!(memory.rows("g"), ["01 action succeed", "02 action succeed"]);
}

#[tokio::test]
async fn a_record_whose_answer_is_lost_ends_the_execution_and_is_found_by_the_next() {
    let (memory, counts) = (Memory::default(), Counts::default());
    let workflows = two(&memory, &counts, |_| Ok(7));
    memory.loses("01 action");
    let error = executed(&workflows).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(counted(&counts), [1, 0, 0], "nothing is built on what may not be recorded");
    assert_eq!(executed(&workflows).await.unwrap(), 7);
    assert_eq!(counted(&counts), [1, 1, 0]);
}

#[tokio::test]
async fn a_rollback_goes_on_where_it_was_and_does_nothing_new() {
    for interruption in ["01 rollback lost", "01 rollback refused", "end lost"] {
        let (memory, counts) = (Memory::default(), Counts::default());
        let workflows = two(&memory, &counts, |_| Err(BranchError::roll_back("no money")));
        match interruption {
            "01 rollback lost" => memory.loses("01 rollback"),
            "01 rollback refused" => memory.refuses("01 rollback"),
            _ => memory.loses_the_end(),
        }
        let error = executed(&workflows).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{interruption}: {error}");
        let error = executed(&workflows).await.unwrap_err();
        assert!(matches!(error, Error::RolledBack { .. }), "{interruption}: {error}");
        let undone = if interruption == "01 rollback refused" { 2 } else { 1 };
        assert_eq!(counted(&counts), [1, 1, undone], "{interruption}");
        assert_eq!(memory.rows("g"), ["01 action succeed", "02 action failed", "01 rollback succeed"]);
        assert_eq!(memory.end("g"), Some((Status::Failed, "no money".to_owned())));
    }
}

#[tokio::test]
async fn a_callback_of_phase_two_that_says_no_is_asked_again() {
    let memory = Memory::default();
    let runs = Arc::new(AtomicUsize::new(0));
    let function = move |wf: Workflow, (): ()| {
        let runs = Arc::clone(&runs);
        async move {
            let undo = async move |_| match runs.fetch_add(1, Ordering::Relaxed) {
                0 => Err(BranchError::roll_back("cannot")),
                _ => Ok(()),
            };
            wf.branch().on_rollback(undo).run(async |_| Ok(1_u8)).await?;
            Err::<u8, _>(BranchError::roll_back("changed my mind"))
        }
    };
    let workflows = memory.workflows().register("two", function).build().unwrap();
    let error = executed(&workflows).await.unwrap_err();
    assert!(error.to_string().contains("the rollback of branch 01 said no (cannot)"), "{error}");
    assert!(error.is_temporary() && memory.end("g").is_none());
    assert!(matches!(executed(&workflows).await, Err(Error::RolledBack { .. })));
}

#[tokio::test]
async fn a_function_that_ignores_an_open_step_does_not_end_well() {
    let memory = Memory::default();
    let runs = Arc::new(AtomicUsize::new(0));
    let function = move |wf: Workflow, (): ()| {
        let runs = Arc::clone(&runs);
        async move {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            let first =
                wf.branch().run(async move |_| if run == 0 { Err(std::fmt::Error.into()) } else { Ok(1_u8) });
            drop(first.await);
            drop(wf.branch().run(async |_| Ok(2_u8)).await);
            Ok(3_u8)
        }
    };
    let workflows = memory.workflows().register("two", function).build().unwrap();
    let error = executed(&workflows).await.unwrap_err();
    assert!(error.to_string().contains("branch 01 has no recorded end"), "{error}");
    assert!(memory.rows("g").is_empty() && memory.end("g").is_none());
    assert_eq!(executed(&workflows).await.unwrap(), 3);
}

#[tokio::test]
async fn a_replay_that_asks_for_other_steps_is_told_both() {
    let memory = Memory::begun(
        "g",
        &[
            ("01", Op::Action, dtm_client::BranchStatus::Succeed, b"1"),
            ("02", Op::Action, dtm_client::BranchStatus::Succeed, b"\"text\""),
            ("03", Op::Action, dtm_client::BranchStatus::Succeed, b"3"),
        ],
    );
    let fewer = async |wf: Workflow, (): ()| wf.branch().named("deduct").run(async |_| Ok(1_u8)).await;
    let others = async |wf: Workflow, (): ()| {
        wf.branch().named("deduct").run(async |_| Ok(1_u8)).await?;
        // Whatever the function makes of it: it does not fit.
        let credited = wf.branch().named("credit").run(async |_| Ok(2_u8)).await.unwrap_or(0);
        Ok(credited + wf.branch().run(async |_| Ok(3_u8)).await?)
    };
    let workflows = memory.workflows().register("fewer", fewer).register("others", others).build().unwrap();
    for (name, problem, asked) in [
        ("fewer", "branch 02 is recorded, and the function ended without it", "asked for: 01 'deduct'."),
        ("others", "what is recorded of branch 02 'credit' is no u8", "asked for: 01 'deduct', 02 'credit'."),
    ] {
        let error = workflows.execute::<_, u8>(name, "g", &()).await.unwrap_err();
        assert!(matches!(error, Error::Diverged { .. }) && !error.is_temporary(), "{error}");
        for words in [problem, asked, "recorded: 01 action, 02 action, 03 action;"] {
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(!error.to_string().contains("text"), "what is recorded is a payload: {error}");
    }
    assert_eq!((memory.rows("g").len(), memory.end("g")), (3, None));
}

//! Success, rollback, what is recorded of them, and what a later execution is told.

use std::sync::Arc;

use dtm_client::Status;
use parking_lot::Mutex;

use super::memory::Memory;
use crate::{BranchError, Error, Workflow, Workflows};

type Diary = Arc<Mutex<Vec<String>>>;

/// Three branches, each with both callbacks; branch `refusing` says no.
fn three(memory: &Memory, diary: &Diary, refusing: u32) -> Workflows {
    let diary = Arc::clone(diary);
    let function = move |wf: Workflow, input: u32| {
        let diary = Arc::clone(&diary);
        async move {
            diary.lock().push("begin".to_owned());
            let mut sum = input;
            for number in 1..=3 {
                let write = |text: &'static str| {
                    let diary = Arc::clone(&diary);
                    move || {
                        diary.lock().push(format!("{text} {number}"));
                        Ok(())
                    }
                };
                let (action, commit, rollback) = (write("do"), write("commit"), write("undo"));
                sum += wf
                    .branch()
                    .on_commit(async move |_| commit())
                    .on_rollback(async move |_| rollback())
                    .run(async move |barrier| {
                        assert_eq!(barrier.context().branch_id, format!("0{number}"));
                        action()?;
                        if number == refusing { Err(BranchError::roll_back("no money")) } else { Ok(number) }
                    })
                    .await?;
            }
            Ok(sum)
        }
    };
    memory.workflows().register("three", function).build().unwrap()
}

#[tokio::test]
async fn a_workflow_is_committed_in_reverse_and_its_result_is_kept() {
    let (memory, diary) = (Memory::default(), Diary::default());
    let workflows = three(&memory, &diary, 0);
    for _ in 0..2 {
        let sum: u32 = workflows.execute("three", "g", &4_u32).await.unwrap();
        assert_eq!(sum, 10);
    }
    assert_eq!(*diary.lock(), ["begin", "do 1", "do 2", "do 3", "commit 3", "commit 2", "commit 1"]);
    assert_eq!(
        memory.rows("g"),
        [
            "01 action succeed",
            "02 action succeed",
            "03 action succeed",
            "03 commit succeed",
            "02 commit succeed",
            "01 commit succeed"
        ]
    );
    assert_eq!((memory.data("g", 1), memory.data("g", 3)), (b"2".to_vec(), Vec::new()));
    assert_eq!(memory.end("g"), Some((Status::Succeed, "10".to_owned())));
}

#[tokio::test]
async fn a_workflow_is_rolled_back_in_reverse_without_the_branch_that_said_no() {
    let (memory, diary) = (Memory::default(), Diary::default());
    let workflows = three(&memory, &diary, 3);
    for _ in 0..2 {
        let error = workflows.execute::<_, u32>("three", "g", &4_u32).await.unwrap_err();
        assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "no money"), "{error}");
        assert!(!error.is_temporary());
    }
    assert_eq!(*diary.lock(), ["begin", "do 1", "do 2", "do 3", "undo 2", "undo 1"]);
    assert_eq!(
        memory.rows("g"),
        [
            "01 action succeed",
            "02 action succeed",
            "03 action failed",
            "02 rollback succeed",
            "01 rollback succeed"
        ]
    );
    assert_eq!(memory.end("g"), Some((Status::Failed, "no money".to_owned())));
}

#[tokio::test]
async fn a_function_may_take_a_no_for_an_answer() {
    let memory = Memory::default();
    let function = async |wf: Workflow, (): ()| {
        let stock = wf.branch().run(async |_| Err::<u8, _>(BranchError::roll_back("sold out"))).await;
        assert!(matches!(stock, Err(BranchError::RollBack(reason)) if reason == "sold out"));
        wf.branch().run(async |_| Ok(2_u8)).await
    };
    let workflows = memory.workflows().register("f", function).build().unwrap();
    assert_eq!(workflows.execute::<_, u8>("f", "g", &()).await.unwrap(), 2);
    assert_eq!(memory.rows("g"), ["01 action failed", "02 action succeed"]);
}

#[tokio::test]
async fn a_name_that_is_not_registered_is_answered_with_those_that_are() {
    let memory = Memory::default();
    let function = async |_: Workflow, (): ()| Ok(());
    let workflows = memory.workflows().register("b", function).register("a", function).build().unwrap();
    let error = workflows.execute::<_, ()>("c", "g", &()).await.unwrap_err();
    assert!(error.to_string().starts_with("no workflow 'c' is registered; there are: a, b."), "{error}");
    assert_eq!(memory.prepares(), 0);
}

#[tokio::test]
async fn what_cannot_be_set_up_is_refused_by_name() {
    let function = async |_: Workflow, (): ()| Ok(());
    let new = || Memory::default().workflows();
    for (builder, words) in [
        (new().register("a", function).register("a", function), "two functions are registered as 'a'"),
        (new().register("", function), "name cannot be used: it is empty"),
        (new().register("a\n", function), "name cannot be used"),
        (new().callbacks_max(0), "callbacks_max cannot be used: it is zero"),
        (new().input_bytes_max(0), "input_bytes_max cannot be used"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_input_of_another_type_is_no_reason_to_roll_back() {
    let memory = Memory::default();
    let function = async |_: Workflow, number: u8| Ok(number);
    let workflows = memory.workflows().register("f", function).build().unwrap();
    let error = workflows.execute::<_, u8>("f", "g", "text").await.unwrap_err();
    assert!(error.to_string().contains("the input of the workflow is no u8"), "{error}");
    assert!(error.is_temporary());
    assert_eq!(memory.end("g"), None);
}

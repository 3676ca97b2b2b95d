//! Steps at the same time, executions at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Barrier;

use super::memory::Memory;
use crate::{Error, Workflow};

#[tokio::test]
async fn two_processes_at_once_record_each_effect_once_and_the_slower_one_stops() {
    // decision 2, invariant I12
    let (memory, meeting) = (Memory::default(), Arc::new(Barrier::new(2)));
    let effects = Arc::new(AtomicUsize::new(0));
    let process = || {
        let (meeting, effects) = (Arc::clone(&meeting), Arc::clone(&effects));
        let function = move |wf: Workflow, (): ()| {
            let (meeting, effects) = (Arc::clone(&meeting), Arc::clone(&effects));
            async move {
                let number = wf
                    .branch()
                    .run(async move |_| {
                        meeting.wait().await;
                        Ok(effects.fetch_add(1, Ordering::Relaxed))
                    })
                    .await?;
                wf.branch().run(async move |_| Ok(number)).await
            }
        };
        memory.workflows().register("f", function).build().unwrap()
    };
    let (one, two) = (process(), process());
    let (first, second) =
        tokio::join!(one.execute::<_, usize>("f", "g", &()), two.execute::<_, usize>("f", "g", &()));
    let (done, stopped) = if first.is_ok() { (first, second) } else { (second, first) };
    assert!(matches!(stopped, Err(Error::Interrupted { .. })), "{stopped:?}");
    assert_eq!(memory.rows("g"), ["01 action succeed", "02 action succeed"]);
    assert_eq!(two.execute::<_, usize>("f", "g", &()).await.unwrap(), done.unwrap());
}

#[tokio::test]
async fn one_process_does_not_execute_a_gid_twice_at_once() {
    let (memory, meeting) = (Memory::default(), Arc::new(Barrier::new(2)));
    let shared = Arc::clone(&meeting);
    let function = move |wf: Workflow, (): ()| {
        let meeting = Arc::clone(&shared);
        async move {
            wf.branch()
                .run(async move |_| {
                    meeting.wait().await;
                    meeting.wait().await;
                    Ok(1_u8)
                })
                .await
        }
    };
    let workflows = memory.workflows().register("f", function).build().unwrap();
    let second = async {
        meeting.wait().await;
        let second = workflows.execute::<_, u8>("f", "g", &()).await;
        meeting.wait().await;
        second
    };
    let (first, second) = tokio::join!(workflows.execute::<_, u8>("f", "g", &()), second);
    assert_eq!(first.unwrap(), 1);
    assert!(matches!(second, Err(Error::Executing { .. })), "{second:?}");
    assert_eq!(memory.prepares(), 1);
}

#[tokio::test]
async fn steps_at_the_same_time_keep_their_numbers_and_are_undone_in_reverse() {
    let memory = Memory::default();
    let function = async |wf: Workflow, (): ()| {
        let (stock, money) = (wf.branch(), wf.branch());
        let stock = stock.on_rollback(async |_| Ok(())).run(async |_| {
            tokio::task::yield_now().await;
            Ok(1_u8)
        });
        let money = money.on_rollback(async |_| Ok(())).run(async |_| Ok(2_u8));
        let both = tokio::try_join!(stock, money)?;
        wf.branch().run(async move |_| Err::<u8, _>(crate::BranchError::roll_back(format!("{both:?}")))).await
    };
    let workflows = memory.workflows().register("f", function).build().unwrap();
    let error = workflows.execute::<_, u8>("f", "g", &()).await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "(1, 2)"), "{error}");
    assert_eq!(
        memory.rows("g"),
        [
            "02 action succeed",
            "01 action succeed",
            "03 action failed",
            "02 rollback succeed",
            "01 rollback succeed"
        ]
    );
}

#[tokio::test]
async fn a_thousand_steps_are_replayed_from_one_answer_of_the_server() {
    let memory = Memory::default();
    let (runs, deaths) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&runs);
    let function = move |wf: Workflow, steps: usize| {
        let (runs, deaths) = (Arc::clone(&counted), Arc::clone(&deaths));
        async move {
            let mut sum = 0;
            for step in 0..steps {
                let runs = Arc::clone(&runs);
                sum += wf
                    .branch()
                    .run(async move |_| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        Ok(step)
                    })
                    .await?;
            }
            if deaths.fetch_add(1, Ordering::Relaxed) < 3 {
                return Err(std::fmt::Error.into());
            }
            Ok(sum)
        }
    };
    let workflows = memory.workflows().register("f", function).build().unwrap();
    for _ in 0..3 {
        let error = workflows.execute::<_, usize>("f", "g", &1_000_usize).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
    }
    let sum: usize = workflows.execute("f", "g", &1_000_usize).await.unwrap();
    assert_eq!(sum, 499_500);
    assert_eq!((runs.load(Ordering::Relaxed), memory.prepares()), (1_000, 4));
    assert_eq!(memory.rows("g").last().unwrap(), "1000 action succeed");
}

//! A thousand steps, and functions that ask for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dtm_workflow::{BranchError, Error, Workflow};

use super::site::{BOTH, Over, Site, called_back};
use crate::harness::Server;

#[tokio::test]
async fn a_thousand_steps_are_recorded_once_and_replayed() {
    for over in BOTH {
        let server = Server::start().await;
        let (runs, deaths) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&runs);
        let function = move |wf: Workflow, steps: usize| {
            let (runs, deaths) = (Arc::clone(&counted), Arc::clone(&deaths));
            async move {
                let mut sum = 0;
                for step in 0..steps {
                    let runs = Arc::clone(&runs);
                    let run = async move |_| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        Ok(step)
                    };
                    sum += wf.branch().run(run).await?;
                }
                if deaths.fetch_add(1, Ordering::Relaxed) == 0 { Err(BranchError::Ongoing) } else { Ok(sum) }
            }
        };
        let site = Site::new(over).await;
        let workflows = site.instance(&server).register("f", function).build().unwrap();
        let error = workflows.execute::<_, usize>("f", "g", &1_000).await.unwrap_err();
        assert!(matches!(error, Error::Ongoing { .. }), "{error}");
        let sum: usize = workflows.execute("f", "g", &1_000).await.unwrap();
        assert_eq!((sum, runs.load(Ordering::Relaxed)), (499_500, 1_000), "{over:?}");
        let view = server.query("g").await;
        assert_eq!((view.status(), view.row_names().len()), ("succeed", 1_000));
    }
}

#[tokio::test]
async fn another_version_of_a_function_is_told_what_does_not_fit_and_does_no_harm() {
    let server = Server::start().await;
    let site = Site::new(Over::Http).await;
    let old = async |wf: Workflow, (): ()| {
        wf.branch().named("deduct").run(async |_| Ok(1_u8)).await?;
        wf.branch().named("credit").run(async |_| Ok(2_u8)).await?;
        Err::<u8, _>(BranchError::Ongoing)
    };
    let new = async |wf: Workflow, (): ()| wf.branch().named("both").run(async |_| Ok(3_u8)).await;
    let old = site.instance(&server).register("f", old).build().unwrap();
    let new = site.instance(&server).register("f", new).build().unwrap();
    assert!(matches!(old.execute::<_, u8>("f", "g", &()).await, Err(Error::Ongoing { .. })));
    let error = new.execute::<_, u8>("f", "g", &()).await.unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::Diverged { .. }), "{message}");
    for words in [
        "branch 02 is recorded, and the function ended without it",
        "recorded: 01 action, 02 action;",
        "asked for: 01 'both'.",
    ] {
        assert!(message.contains(words), "{message}");
    }
    // Called back, it backs off; the version that fits would go on.
    let _served = site.serve(&new);
    called_back(&server, "g").await;
    let view = server.until("g", |view| view.number("next_cron_interval") > 1).await;
    assert_eq!((view.status(), view.row_names().len()), ("prepared", 2));
}

//! An execution that ends half-way, and who goes on.

use std::sync::Arc;

use dtm_workflow::{BranchError, Error, Workflow};
use tokio::sync::{Notify, Semaphore};

use super::site::{BOTH, Site, called_back, transfer};
use crate::harness::{Gate, Reply, both};

#[tokio::test]
async fn an_execution_that_dies_in_a_step_is_gone_on_with_by_another_instance() {
    // behaviour 98, invariant I12
    for over in BOTH {
        let (server, branches) = both().await;
        let gate = Gate::closed();
        branches.on("/in", [Reply::ok().behind(&gate), Reply::ok()]);
        let site = Site::new(over).await;
        let dying = site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let execution = tokio::spawn({
            let dying = dying.clone();
            async move { dying.execute::<_, String>("transfer", "g", &30_u32).await }
        });
        branches.wait_for("/in", 1).await;
        execution.abort();
        assert!(execution.await.unwrap_err().is_cancelled());
        assert_eq!(
            server.query("g").await.row_names(),
            ["01 action"],
            "the effect is there, its record is not"
        );

        let living = site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let _served = site.serve(&living);
        called_back(&server, "g").await;
        let view = server.end_of("g").await;
        assert_eq!(view.row_names(), ["01 action", "02 action", "02 commit", "01 commit"]);
        assert_eq!(branches.paths(), ["/out", "/in", "/in", "/inDone", "/outDone"], "{over:?}");
        gate.open();
    }
}

#[tokio::test]
async fn a_rollback_that_dies_half_way_is_finished_by_the_callback() {
    for over in BOTH {
        let (server, branches) = both().await;
        branches.on("/in", [Reply::failure()]);
        branches.on("/outBack", [Reply::error(), Reply::ok()]);
        let site = Site::new(over).await;
        let workflows = site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let error = workflows.execute::<_, String>("transfer", "g", &30_u32).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
        assert_eq!(server.query("g").await.row_names(), ["01 action", "02 action"]);
        let _served = site.serve(&workflows);
        let view = server.end_of("g").await;
        assert_eq!((view.status(), view.reason()), ("failed", "no stock"));
        assert_eq!(branches.paths(), ["/out", "/in", "/outBack", "/outBack"]);
    }
}

#[tokio::test]
async fn what_is_recorded_survives_the_death_of_the_server() {
    // behaviour 97, defect R6
    for over in BOTH {
        let (mut server, branches) = both().await;
        branches.on("/in", [Reply::ongoing(), Reply::ok()]);
        let site = Site::new(over).await;
        let workflows = site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let error = workflows.execute::<_, String>("transfer", "g", &30_u32).await.unwrap_err();
        assert!(matches!(error, Error::Ongoing { .. }), "{error}");
        server.kill().await;
        let error = workflows.execute::<_, String>("transfer", "g", &30_u32).await.unwrap_err();
        assert!(error.is_temporary(), "nobody answers: {error}");
        server.restart().await;
        let _served = site.serve(&workflows);
        assert_eq!(server.end_of("g").await.status(), "succeed");
        assert_eq!(branches.count("/out"), 1);
        assert_eq!(branches.count("/in"), 2);
    }
}

#[tokio::test]
async fn an_execution_outlives_the_call_that_began_it() {
    // The server waits for a second; the step takes as long as it takes, and is not begun a second time.
    for over in BOTH {
        let (server, branches) = both().await;
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let (arrived, may_end) = (Arc::clone(&begun), Arc::clone(&go_on));
        let runs = branches.clone();
        let function = move |wf: Workflow, (): ()| {
            let (begun, go_on, runs) = (Arc::clone(&begun), Arc::clone(&go_on), runs.clone());
            async move {
                wf.branch()
                    .run(async move |_| {
                        reqwest::get(runs.url("/run")).await?;
                        begun.notify_one();
                        go_on.acquire().await?.forget();
                        Ok(())
                    })
                    .await
            }
        };
        let site = Site::new(over).await;
        let workflows =
            site.instance(&server).request_timeout(std::time::Duration::from_secs(1)).register("f", function);
        let workflows = workflows.build().unwrap();
        let at_once = async |_: Workflow, (): ()| Err::<(), _>(BranchError::Ongoing);
        let beginning = site.instance(&server).register("f", at_once).build().unwrap();
        assert!(matches!(beginning.execute::<_, ()>("f", "g", &()).await, Err(Error::Ongoing { .. })));
        let _served = site.serve(&workflows);
        called_back(&server, "g").await;
        arrived.notified().await;
        // The answer is a time-out, or "still at it": either way the server comes again and begins nothing.
        for _ in 0..3 {
            called_back(&server, "g").await;
        }
        may_end.add_permits(1);
        assert_eq!(server.end_of("g").await.status(), "succeed");
        assert_eq!(branches.count("/run"), 1, "{over:?}");
    }
}

#[tokio::test]
async fn a_panic_rolls_nothing_back_and_the_workflow_is_called_again() {
    for over in BOTH {
        let (server, branches) = both().await;
        let runs = branches.clone();
        let function = move |wf: Workflow, (): ()| {
            let runs = runs.clone();
            async move {
                wf.branch().on_rollback(async |_| Ok(())).run(async |_| Ok(1_u8)).await?;
                reqwest::get(runs.url("/run")).await?;
                if runs.count("/run") < 2 {
                    panic!("out of cheese");
                }
                Ok::<_, BranchError>(2_u8)
            }
        };
        let site = Site::new(over).await;
        let workflows = site.instance(&server).register("f", function).build().unwrap();
        let error = workflows.execute::<_, u8>("f", "g", &()).await.unwrap_err();
        assert!(error.is_temporary() && error.to_string().contains("out of cheese"), "{error}");
        let _served = site.serve(&workflows);
        let view = server.end_of("g").await;
        assert_eq!((view.status(), view.rows().as_str()), ("succeed", "s"), "{over:?}");
    }
}

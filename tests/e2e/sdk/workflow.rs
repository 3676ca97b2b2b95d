//! What an engine of workflows asks for.

use std::time::Duration;

use dtm_client::workflow::{End, Preparation, Progress};
use dtm_client::{BranchStatus, Error, Op, Status};

use super::world::{ALL, World};

fn preparation(world: &World, gid: &str) -> Preparation {
    Preparation::new(gid, "transfer", world.url("workflow"))
        .input(*b"{\"cents\":30}")
        .retry_interval(Duration::from_secs(100))
}

#[tokio::test]
async fn what_was_recorded_is_what_a_later_execution_is_told_over_each_protocol() {
    // behaviour 26, 94 to 97, decision 17, 18
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        let fresh = client.prepare_workflow(&preparation(&world, "g")).await.unwrap();
        assert_eq!((fresh.status, fresh.progresses.len()), (Status::Prepared, 0), "{protocol:?}");

        let bytes: Vec<u8> = (0..=255).collect();
        let steps = [
            Progress::new("01", Op::Action, BranchStatus::Succeed, *b"{\"ok\":true}"),
            Progress::new("02", Op::Action, BranchStatus::Failed, bytes),
            Progress::new("01", Op::Rollback, BranchStatus::Succeed, *b""),
        ];
        for step in &steps {
            client.register_progress("g", step).await.unwrap();
        }
        let again = client.prepare_workflow(&preparation(&world, "g")).await.unwrap();
        assert_eq!(again.progresses, steps, "{protocol:?}");

        // behaviour 25: the second of two executions notices
        let error = client.register_progress("g", &steps[0]).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{protocol:?}: {error}");

        let end = End::Succeed { result: b"\xffreceipt".to_vec() };
        client.submit_workflow("g", &end).await.unwrap();
        let ended = client.prepare_workflow(&preparation(&world, "g")).await.unwrap();
        assert_eq!((ended.status, ended.result.as_slice()), (Status::Succeed, b"\xffreceipt".as_slice()));
        // behaviour 100
        let late = Progress::new("03", Op::Action, BranchStatus::Succeed, *b"");
        let error = client.register_progress("g", &late).await.unwrap_err();
        assert!(matches!(error, Error::Refused { code: 409, .. }), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn a_workflow_that_failed_tells_why_over_each_protocol() {
    // behaviour 97
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        client.prepare_workflow(&preparation(&world, "g")).await.unwrap();
        client.submit_workflow("g", &End::Failed { reason: "no money".to_owned() }).await.unwrap();
        let ended = client.prepare_workflow(&preparation(&world, "g")).await.unwrap();
        assert_eq!((ended.status, ended.rollback_reason.as_deref()), (Status::Failed, Some("no money")));
    }
}

#[tokio::test]
async fn a_workflow_that_nobody_ends_is_called_back_with_its_input_over_each_protocol() {
    // behaviour 98, decision 8
    for protocol in ALL {
        let world = World::start(protocol).await;
        let preparation = preparation(&world, "g").retry_interval(Duration::from_secs(1));
        world.client().prepare_workflow(&preparation).await.unwrap();
        world.wait_for("workflow", 1).await;
    }
}

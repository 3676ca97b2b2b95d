//! Sagas.

use dtm_client::{Error, Saga, Status, Step};

use super::world::{ALL, Protocol, Says, World};

fn trip(world: &World, gid: &str) -> Saga {
    let step = |number: u32| {
        let step = Step::new(world.url(&format!("a{number}")), world.url(&format!("c{number}")));
        step.payload(&serde_json::json!({ "step": number })).unwrap()
    };
    world.client().saga(gid).step(step(1)).step(step(2))
}

#[tokio::test]
async fn a_saga_that_is_waited_for_has_succeeded_over_each_protocol() {
    // behaviour 57, 68
    for protocol in ALL {
        let world = World::start(protocol).await;
        let receipt = trip(&world, "g").wait_result().submit().await.unwrap();
        assert_eq!((receipt.gid.as_str(), receipt.status), ("g", Status::Succeed), "{protocol:?}");
        assert_eq!(world.called(), ["a1", "a2"], "{protocol:?}");
        assert_eq!(world.payload("a2")["step"], 2, "{protocol:?}");
        let seen = &world.seen("a2")[0];
        assert_eq!((seen.gid.as_str(), seen.branch_id.as_str(), seen.op.as_str()), ("g", "02", "action"));
        // behaviour 16: it has left the status in which it can be submitted, and that is told
        assert_eq!(trip(&world, "g").submit().await.unwrap().status, Status::Succeed, "{protocol:?}");
        assert_eq!(world.count("a1"), 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_saga_that_is_rolled_back_tells_the_reason_over_each_protocol() {
    // behaviour 58, 68, decision 5
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("a2", [Says::No]);
        let error = trip(&world, "g").wait_result().submit().await.unwrap_err();
        assert!(
            matches!(&error, Error::RolledBack { reason, .. } if reason.contains("no stock")),
            "{protocol:?}: {error}"
        );
        assert_eq!(world.called(), ["a1", "a2", "c2", "c1"], "{protocol:?}");
        let error = trip(&world, "g").submit().await.unwrap_err();
        assert!(matches!(error, Error::RolledBack { .. }), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn a_saga_that_goes_on_is_waited_for() {
    // behaviour 68, decision 5
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("a1", [Says::Broken, Says::Done]);
        let saga = trip(&world, "g").wait_result().retry_interval(std::time::Duration::from_secs(1));
        let error = saga.submit().await.unwrap_err();
        assert!(
            matches!(error, Error::StillRunning { status: Status::Submitted, .. }),
            "{protocol:?}: {error}"
        );
        let ended = world.client().wait("g").await.unwrap();
        assert_eq!((ended.status, ended.branches.len()), (Status::Succeed, 4), "{protocol:?}");
    }
}

#[tokio::test]
async fn the_same_gid_with_other_content_is_refused_and_nothing_is_called() {
    // decision 1
    for protocol in ALL {
        let world = World::start(protocol).await;
        trip(&world, "g").wait_result().submit().await.unwrap();
        let other = trip(&world, "g").step(Step::new(world.url("a3"), ""));
        let error = other.submit().await.unwrap_err();
        assert!(matches!(error, Error::Refused { code: 409, .. }), "{protocol:?}: {error}");
        assert_eq!(world.called(), ["a1", "a2"], "{protocol:?}");
    }
}

#[tokio::test]
async fn the_server_chooses_a_gid_over_each_protocol() {
    // behaviour 10
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        let saga = client.saga_with_new_gid().step(Step::new(world.url("a1"), ""));
        let receipt = saga.submit().await.unwrap();
        assert_eq!(saga.gid(), Some(receipt.gid.as_str()));
        assert_eq!(client.wait(&receipt.gid).await.unwrap().status, Status::Succeed, "{protocol:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_reach_a_branch_over_grpc() {
    // behaviour 45
    let world = World::start(Protocol::Grpc).await;
    let step = Step::new(world.url("a1"), "").raw_payload(dtm_client::Payload::bytes([0xff, 0]));
    world.client().saga("g").step(step).wait_result().submit().await.unwrap();
    assert_eq!(world.grpc.calls_of("a1")[0].message.as_ref(), [0xff, 0]);
}

//! TCC.

use std::time::Duration;

use dtm_client::branch::BranchError;
use dtm_client::{CallError, Client, Error, Fate, Status, Tcc, TccBranch};

use super::world::{ALL, Protocol, Says, World};
use crate::harness::Reply;

pub(super) fn branch<'a>(tcc: &'a Tcc, world: &World, number: u32) -> TccBranch<'a> {
    let url = |what: &str| world.url(&format!("{what}{number}"));
    tcc.branch(url("try")).confirm(url("confirm")).cancel(url("cancel"))
}

/// Both branches, one after the other.
async fn both(world: &World, client: &Client, gid: &str) -> Result<u32, Error> {
    let run = client.tcc(gid).wait_result().run(async |tcc| {
        branch(&tcc, world, 1).call(&serde_json::json!({ "cents": 30 })).await?;
        branch(&tcc, world, 2).call(&serde_json::json!({ "cents": 30 })).await?;
        Ok(7)
    });
    run.await
}

#[tokio::test]
async fn all_tries_then_all_confirms_over_each_protocol() {
    // behaviour 75; features 1.5
    for protocol in ALL {
        let world = World::start(protocol).await;
        let value = both(&world, &world.client(), "g").await.unwrap();
        assert_eq!(value, 7, "{protocol:?}: what the closure returned");
        assert_eq!(world.called(), ["try1", "try2", "confirm2", "confirm1"], "{protocol:?}");
        for name in ["try1", "confirm1"] {
            let seen = &world.seen(name)[0];
            assert_eq!((seen.gid.as_str(), seen.branch_id.as_str()), ("g", "01"), "{protocol:?} {name}");
            assert_eq!(world.payload(name)["cents"], 30, "{protocol:?} {name}");
        }
        assert_eq!(world.seen("try2")[0].op, "try");
        assert!(!world.seen("try2")[0].dtm.is_empty(), "{protocol:?}: a branch is told where the server is");
        assert_eq!(world.server.query("g").await.status(), "succeed");
    }
}

#[tokio::test]
async fn a_try_that_says_no_cancels_everything_over_each_protocol() {
    // behaviour 76; features 1.5
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("try2", [Says::No]);
        let error = both(&world, &world.client(), "g").await.unwrap_err();
        let Error::Closure { cause: BranchError::Retry(cause), fate: Fate::RolledBack, .. } = &error else {
            panic!("{protocol:?}: {error}");
        };
        let refused = cause.downcast_ref::<CallError>();
        assert!(
            matches!(refused, Some(CallError::RollBack { reason, .. }) if reason.contains("no stock")),
            "{protocol:?}: {cause}"
        );
        assert_eq!(world.called(), ["try1", "try2", "cancel2", "cancel1"], "{protocol:?}");
        let view = world.server.query("g").await;
        assert_eq!(view.status(), "failed");
        assert!(view.reason().contains("no stock"), "{protocol:?}: {}", view.reason());
    }
}

#[tokio::test]
async fn a_try_that_nobody_knows_about_cancels_everything_its_own_branch_included() {
    // features 1.5: a cancel has to work whether the try did or not
    for (protocol, says) in ALL.into_iter().flat_map(|it| [(it, Says::Broken), (it, Says::Ongoing)]) {
        let world = World::start(protocol).await;
        world.on("try2", [says]);
        let error = both(&world, &world.client(), "g").await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{protocol:?}: {error}");
        assert_eq!(world.called(), ["try1", "try2", "cancel2", "cancel1"], "{protocol:?} {says:?}");
    }
}

#[tokio::test]
async fn a_try_that_does_not_answer_is_given_up_after_its_time_out() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("try1", [Says::Nothing]);
        let client = world.client();
        let run = client.tcc("g").wait_result().request_timeout(Duration::from_secs(1)).run(async |tcc| {
            branch(&tcc, &world, 1).call(&serde_json::json!({})).await?;
            Ok(())
        });
        let error = run.await.unwrap_err();
        assert!(error.to_string().contains("no answer in time"), "{protocol:?}: {error}");
        assert_eq!(world.called(), ["try1", "cancel1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_closure_cancels_what_was_tried() {
    let world = World::start(Protocol::Http).await;
    let run = world.client().tcc("g").wait_result().run(async |tcc| {
        branch(&tcc, &world, 1).call(&1).await?;
        Err::<(), _>(BranchError::roll_back("the user changed her mind"))
    });
    let error = run.await.unwrap_err();
    assert!(matches!(&error, Error::Closure { cause: BranchError::RollBack(_), .. }), "{error}");
    assert_eq!(world.called(), ["try1", "cancel1"]);
    assert!(world.server.query("g").await.reason().contains("the user changed her mind"));
}

#[tokio::test]
async fn who_gives_up_after_another_run_has_submitted_is_not_told_that_it_was_rolled_back() {
    // the user has pressed the button twice, and the second run is the faster one
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        let slower = client.tcc("g").wait_result().run(async |tcc| {
            branch(&tcc, &world, 1).call(&serde_json::json!({ "cents": 30 })).await?;
            both(&world, &client, "g").await.expect("the faster run is done");
            Err::<(), _>(BranchError::roll_back("too slow"))
        });
        let error = slower.await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::Submitted, .. }), "{protocol:?}: {error}");
        assert_eq!(world.server.query("g").await.status(), "succeed", "{protocol:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_undone_yet_is_not_told_as_undone() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("try2", [Says::No]);
        world.on("cancel1", [Says::Broken]);
        let error = both(&world, &world.client(), "g").await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::RollingBack, .. }), "{protocol:?}: {error}");
        assert_eq!(world.server.query("g").await.status(), "aborting", "{protocol:?}");
    }
}

#[tokio::test]
async fn a_closure_that_overlooks_a_failed_try_does_not_confirm_it() {
    let world = World::start(Protocol::Http).await;
    world.on("try1", [Says::No]);
    let run = world.client().tcc("g").wait_result().run(async |tcc| {
        branch(&tcc, &world, 1).call(&1).await.ok();
        branch(&tcc, &world, 2).call(&1).await?;
        Ok(())
    });
    let error = run.await.unwrap_err();
    assert!(error.to_string().contains("1 of its branches did not succeed"), "{error}");
    assert_eq!(world.called(), ["try1", "try2", "cancel2", "cancel1"]);
}

#[tokio::test]
async fn a_closure_that_lets_a_call_outlive_it_does_not_submit() {
    let world = World::start(Protocol::Http).await;
    let (kept, mut keeper) = tokio::sync::mpsc::channel(1);
    let run = world.client().tcc("g").wait_result().run(async |tcc| {
        branch(&tcc, &world, 1).call(&1).await?;
        kept.send(tcc).await?;
        Ok(())
    });
    let error = run.await.unwrap_err();
    assert!(error.to_string().contains("outlives"), "{error}");
    assert_eq!(world.called(), ["try1", "cancel1"]);
    // behaviour 22: whoever still has it is refused
    let late = keeper.recv().await.unwrap();
    let error = branch(&late, &world, 2).call(&1).await.unwrap_err();
    assert!(matches!(error, CallError::NotCalled(Error::Refused { code: 409, .. })), "{error}");
    assert_eq!(world.count("try2"), 0);
}

#[tokio::test]
async fn tries_run_at_the_same_time_and_their_answers_have_types() {
    #[derive(serde::Deserialize)]
    struct Seat {
        number: u32,
    }
    let world = World::start(Protocol::Http).await;
    for number in [1, 2] {
        let body = format!(r#"{{"number":{number}}}"#);
        world.http.on(&format!("/try{number}"), [Reply::of(200, body)]);
    }
    let run = world.client().tcc("g").run(async |tcc| {
        let seats = tokio::try_join!(branch(&tcc, &world, 1).call(&1), branch(&tcc, &world, 2).call(&1))?;
        Ok(seats.0.json::<Seat>()?.number + seats.1.json::<Seat>()?.number)
    });
    assert_eq!(run.await.unwrap(), 3);
    assert_eq!(world.server.end_of("g").await.status(), "succeed");
}

#[tokio::test]
async fn a_second_run_under_the_same_gid_does_nothing() {
    // behaviour 12
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        both(&world, &client, "done").await.unwrap();
        let error = both(&world, &client, "done").await.unwrap_err();
        assert!(matches!(error, Error::AlreadySucceeded { .. }), "{protocol:?}: {error}");
        assert_eq!(world.called().len(), 4, "{protocol:?}");
        world.on("try2", [Says::No]);
        both(&world, &client, "undone").await.unwrap_err();
        let error = both(&world, &client, "undone").await.unwrap_err();
        assert!(matches!(error, Error::RolledBack { .. }), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn a_confirm_that_does_not_succeed_yet_is_repeated_by_the_server() {
    // behaviour 77, 80, decision 5
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("confirm1", [Says::Broken, Says::Done]);
        let client = world.client();
        let run = client.tcc("g").wait_result().retry_interval(Duration::from_secs(1)).run(async |tcc| {
            branch(&tcc, &world, 1).call(&serde_json::json!({})).await?;
            Ok(())
        });
        let error = run.await.unwrap_err();
        assert!(
            matches!(error, Error::StillRunning { status: Status::Submitted, .. }),
            "{protocol:?}: {error}"
        );
        assert_eq!(client.wait("g").await.unwrap().status, Status::Succeed, "{protocol:?}");
        assert_eq!(world.called(), ["try1", "confirm1", "confirm1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn branch_headers_are_sent_by_the_client_as_by_the_server() {
    // features 1.2
    let world = World::start(Protocol::Http).await;
    let client = world.builder().bearer_token("for the server only").build().unwrap();
    let run = client.tcc("g").wait_result().branch_header("x-tenant", "blue").run(async |tcc| {
        branch(&tcc, &world, 1).call(&1).await?;
        Ok(())
    });
    run.await.unwrap();
    for call in world.http.calls() {
        assert_eq!(call.header("x-tenant"), "blue", "{}", call.path);
        assert_eq!(call.header("authorization"), "", "{}: it is none of its business", call.path);
    }
}

#[tokio::test]
async fn a_run_can_be_spawned() {
    let world = World::start(Protocol::Http).await;
    let (client, url) = (world.client(), world.url("try1"));
    let run = tokio::spawn(async move {
        let run = client.tcc("g").run(async |tcc| {
            tcc.branch(url).call(&1).await?;
            Ok(())
        });
        run.await
    });
    run.await.unwrap().unwrap();
    assert_eq!(world.server.end_of("g").await.status(), "succeed");
}

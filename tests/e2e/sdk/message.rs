//! Messages.

use std::time::{Duration, Instant};

use dtm_client::branch::BranchError;
use dtm_client::{Error, Fate, Message, Status};
use serde_json::json;

use super::world::{ALL, Protocol, Says, World};

fn mail(world: &World, gid: &str) -> Message {
    world
        .client()
        .message(gid)
        .retry_interval(Duration::from_secs(1))
        .timeout_to_fail(Duration::from_secs(1))
        .step(world.url("mail"), &json!({ "to": "alice" }))
        .step(world.url("archive"), &json!({}))
}

fn failed() -> Result<u32, BranchError> {
    Err(std::io::Error::other("the answer to the commit got lost").into())
}

#[tokio::test]
async fn a_submitted_message_calls_its_steps_in_order_over_each_protocol() {
    // behaviour 87, 91; features 1.7
    for protocol in ALL {
        let world = World::start(protocol).await;
        let receipt = mail(&world, "g").wait_result().submit().await.unwrap();
        assert_eq!(receipt.status, Status::Succeed, "{protocol:?}");
        assert_eq!(world.called(), ["mail", "archive"], "{protocol:?}");
        assert_eq!(world.payload("mail")["to"], "alice", "{protocol:?}");
    }
}

#[tokio::test]
async fn a_local_transaction_that_succeeds_sends_the_message_over_each_protocol() {
    // behaviour 14; features 1.7
    for protocol in ALL {
        let world = World::start(protocol).await;
        let sent = mail(&world, "g").wait_result().do_and_submit(world.url("query"), async |barrier| {
            let context = barrier.context();
            assert_eq!((context.gid.as_str(), context.branch_id.as_str()), ("g", "00"));
            assert_eq!(world.server.query("g").await.status(), "prepared");
            Ok(7)
        });
        assert_eq!(sent.await.unwrap(), 7, "{protocol:?}");
        assert_eq!(world.called(), ["mail", "archive"], "{protocol:?}: nobody asks the back-check");
    }
}

#[tokio::test]
async fn a_local_transaction_that_says_no_takes_the_message_back() {
    // behaviour 89; features 1.7
    for protocol in ALL {
        let world = World::start(protocol).await;
        let sent = mail(&world, "g")
            .do_and_submit(world.url("query"), async |_| Err::<(), _>(BranchError::roll_back("sold out")));
        let error = sent.await.unwrap_err();
        assert!(
            matches!(&error, Error::Closure { fate: Fate::RolledBack, cause: BranchError::RollBack(_), .. }),
            "{protocol:?}: {error}"
        );
        assert_eq!(world.server.query("g").await.status(), "failed");
        assert!(world.called().is_empty(), "{protocol:?}");
    }
}

#[tokio::test]
async fn after_any_other_error_the_back_check_decides() {
    // features 1.7: ok submits, FAILURE aborts, anything else is left to the server
    for protocol in ALL {
        for (says, fate, status) in [
            (Says::Done, Fate::Submitted, "succeed"),
            (Says::No, Fate::RolledBack, "failed"),
            (Says::Broken, Fate::Open, "prepared"),
            (Says::Ongoing, Fate::Open, "prepared"),
        ] {
            let world = World::start(protocol).await;
            world.on("query", [says]);
            let message = mail(&world, "g").timeout_to_fail(Duration::from_secs(60));
            let error = message.do_and_submit(world.url("query"), async |_| failed()).await.unwrap_err();
            match error {
                Error::Closure { fate: found, cause: BranchError::Retry(_), .. } => {
                    assert_eq!(found, fate, "{protocol:?} {says:?}");
                }
                other => panic!("{protocol:?} {says:?}: {other}"),
            }
            let view = world.server.until("g", |view| view.status() == status).await;
            assert_eq!(view.status(), status, "{protocol:?} {says:?}");
            let asked = &world.seen("query")[0];
            assert_eq!((asked.branch_id.as_str(), asked.op.as_str()), ("00", "msg"), "{protocol:?}");
            assert_eq!(world.count("mail"), usize::from(status == "succeed"), "{protocol:?} {says:?}");
        }
    }
}

#[tokio::test]
async fn what_the_client_leaves_open_the_server_finds_out() {
    // behaviour 88
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("query", [Says::Broken, Says::Done]);
        let sent = mail(&world, "g").do_and_submit(world.url("query"), async |_| failed());
        let error = sent.await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::Open, .. }) && error.is_temporary(), "{error}");
        assert_eq!(world.server.end_of("g").await.status(), "succeed", "{protocol:?}");
        assert_eq!(world.called(), ["query", "query", "mail", "archive"], "{protocol:?}");
    }
}

#[tokio::test]
async fn a_prepared_message_is_submitted_or_taken_back() {
    // behaviour 12, 17, 89
    for protocol in ALL {
        let world = World::start(protocol).await;
        let message = mail(&world, "sent").query_prepared(world.url("query"));
        message.prepare().await.unwrap();
        message.prepare().await.unwrap();
        message.submit().await.unwrap();
        assert_eq!(world.server.end_of("sent").await.status(), "succeed", "{protocol:?}");
        let error = message.abort().await.unwrap_err();
        assert!(matches!(error, Error::AlreadySucceeded { .. }), "{protocol:?}: {error}");
        let message = mail(&world, "taken back").query_prepared(world.url("query"));
        message.prepare().await.unwrap();
        message.abort().await.unwrap();
        assert_eq!(world.server.query("taken back").await.status(), "failed", "{protocol:?}");
        let error = message.submit().await.unwrap_err();
        assert!(matches!(error, Error::RolledBack { .. }), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn a_delayed_message_waits() {
    // behaviour 90, decision 21
    for protocol in ALL {
        let world = World::start(protocol).await;
        let begun = Instant::now();
        mail(&world, "g").delay(Duration::from_secs(1)).submit().await.unwrap();
        world.wait_for("mail", 1).await;
        assert!(begun.elapsed() >= Duration::from_millis(990), "{protocol:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_topic_goes_to_everybody_who_has_subscribed_and_an_unknown_one_is_refused() {
    // behaviour 33, 86
    for protocol in ALL {
        let world = World::start(protocol).await;
        let message = || world.client().message("g").topic("news", &json!({ "x": 1 }));
        let error = message().submit().await.unwrap_err();
        assert!(
            matches!(&error, Error::Refused { message, .. } if message == "topic not found"),
            "{protocol:?}: {error}"
        );
        for name in ["s1", "s2"] {
            let url = crate::harness::escaped(&world.url(name));
            let answer =
                world.server.get(&format!("/api/dtmsvr/subscribe?topic=news&url={url}&remark=")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        message().wait_result().submit().await.unwrap();
        let mut called = world.called();
        called.sort();
        assert_eq!(called, ["s1", "s2"], "{protocol:?}");
    }
}

#[tokio::test]
async fn all_steps_at_once_is_not_possible_over_grpc_and_is_said_at_once() {
    let world = World::start(Protocol::Grpc).await;
    let error = mail(&world, "g").concurrent().submit().await.unwrap_err();
    assert!(matches!(error, Error::Invalid { field: "concurrent", .. }), "{error}");
    assert!(!world.server.query("g").await.exists());
}

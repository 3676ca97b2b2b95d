//! Answers that get lost, servers that die, clients that go away.

use std::time::Duration;

use dtm_client::branch::BranchError;
use dtm_client::{Error, Fate, Status, Step};
use tokio::sync::oneshot;

use super::proxy::Proxy;
use super::tcc::branch;
use super::world::{ALL, Protocol, Says, World, builder};

/// A client whose way to the server leads through a proxy.
async fn through_proxy(world: &World) -> (dtm_client::Client, Proxy) {
    let port = match world.protocol {
        Protocol::Grpc => world.server.grpc_port(),
        Protocol::Http | Protocol::JsonRpc => world.server.port(),
    };
    let proxy = Proxy::to(port).await;
    let client = match world.protocol {
        Protocol::Grpc => builder(Protocol::Grpc, world.server.port(), proxy.port()),
        other => builder(other, proxy.port(), 0),
    };
    (client.build().unwrap(), proxy)
}

#[tokio::test]
async fn a_submit_whose_answer_gets_lost_is_repeated_and_takes_effect_once() {
    // decision 1
    for protocol in ALL {
        let world = World::start(protocol).await;
        let (client, proxy) = through_proxy(&world).await;
        let saga = client.saga("g").step(Step::new(world.url("a1"), ""));
        client.new_gid().await.unwrap(); // the connection is there
        proxy.lose_next_answer();
        saga.submit().await.unwrap();
        assert!(proxy.has_lost(), "{protocol:?}");
        assert_eq!(world.server.end_of("g").await.status(), "succeed");
        assert_eq!(world.called(), ["a1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn each_lost_answer_of_a_tcc_is_made_up_for_and_nothing_is_done_twice() {
    // decision 1, 2
    for protocol in ALL {
        for lost in ["prepare", "register", "submit"] {
            let world = World::start(protocol).await;
            let (client, proxy) = through_proxy(&world).await;
            client.new_gid().await.unwrap();
            let lose = |what: &str| {
                if what == lost {
                    proxy.lose_next_answer();
                }
            };
            lose("prepare");
            let run = client.tcc("g").run(async |tcc| {
                lose("register");
                branch(&tcc, &world, 1).call(&serde_json::json!({})).await?;
                lose("submit");
                Ok(())
            });
            run.await.unwrap_or_else(|error| panic!("{protocol:?} {lost}: {error}"));
            assert!(proxy.has_lost(), "{protocol:?} {lost}");
            assert_eq!(world.server.end_of("g").await.rows(), "p s", "{protocol:?} {lost}");
            assert_eq!(world.called(), ["try1", "confirm1"], "{protocol:?} {lost}");
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_a_tcc_leaves_it_to_the_time_out() {
    // behaviour 78: dropping the future is what the death of the process looks like to the server
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        let (tried, is_tried) = oneshot::channel();
        let run = client.tcc("g").timeout_to_fail(Duration::from_secs(1)).run(async |tcc| {
            branch(&tcc, &world, 1).call(&serde_json::json!({})).await?;
            tried.send(()).ok();
            std::future::pending::<Result<(), BranchError>>().await
        });
        tokio::select! {
            result = run => panic!("{protocol:?}: {result:?}"),
            _ = is_tried => {} // and the future is dropped
        }
        let view = world.server.end_of("g").await;
        assert_eq!((view.status(), view.rows().as_str()), ("failed", "s p"), "{protocol:?}");
        assert_eq!(world.called(), ["try1", "cancel1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_a_try_leaves_it_to_the_time_out() {
    // behaviour 78, 81: the try may still take effect, so it is cancelled as well
    let world = World::start(Protocol::Http).await;
    world.on("try1", [Says::Nothing]);
    let client = world.client();
    let run = client.tcc("g").timeout_to_fail(Duration::from_secs(1)).run(async |tcc| {
        branch(&tcc, &world, 1).call(&1).await?;
        Ok(())
    });
    tokio::select! {
        result = run => panic!("{result:?}"),
        () = world.wait_for("try1", 1) => {}
    }
    assert_eq!(world.server.end_of("g").await.status(), "failed");
    assert_eq!(world.called(), ["try1", "cancel1"]);
}

#[tokio::test]
async fn a_client_that_goes_away_after_its_local_transaction_leaves_the_message_to_the_back_check() {
    // behaviour 88
    for (says, status) in [(Says::Done, "succeed"), (Says::No, "failed")] {
        let world = World::start(Protocol::Http).await;
        world.on("query", [says]);
        let (done, is_done) = oneshot::channel();
        let message =
            world.client().message("g").timeout_to_fail(Duration::from_secs(1)).step(world.url("mail"), &1);
        let sent = message.do_and_submit(world.url("query"), async |_| {
            done.send(()).ok();
            std::future::pending::<Result<(), BranchError>>().await
        });
        tokio::select! {
            result = sent => panic!("{result:?}"),
            _ = is_done => {}
        }
        assert_eq!(world.server.end_of("g").await.status(), status);
        assert_eq!(world.count("mail"), usize::from(status == "succeed"));
    }
}

#[tokio::test]
async fn a_server_that_dies_between_prepare_and_submit_loses_nothing() {
    // I1, I3, I4: what is prepared is still there, and the submit can be repeated
    for protocol in ALL {
        let mut world = World::start(protocol).await;
        let client = world.client();
        let urls: Vec<String> = ["try1", "confirm1", "cancel1"].iter().map(|name| world.url(name)).collect();
        let server = &mut world.server;
        let run = client.tcc("g").run(async |tcc| {
            let branch = tcc.branch(&*urls[0]).confirm(&*urls[1]).cancel(&*urls[2]);
            branch.call(&serde_json::json!({})).await?;
            server.kill().await;
            server.restart().await;
            Ok(())
        });
        run.await.unwrap_or_else(|error| panic!("{protocol:?}: {error}"));
        assert_eq!(world.server.end_of("g").await.rows(), "p s", "{protocol:?}");
        assert_eq!(world.called(), ["try1", "confirm1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn a_submit_that_finds_no_server_is_unknown_and_the_transaction_is_rolled_back_in_the_end() {
    // behaviour 78, defect M12
    for protocol in ALL {
        let mut world = World::start(protocol).await;
        let client = world.client();
        let urls: Vec<String> = ["try1", "confirm1", "cancel1"].iter().map(|name| world.url(name)).collect();
        let server = &mut world.server;
        let run = client.tcc("g").timeout_to_fail(Duration::from_secs(2)).run(async |tcc| {
            let branch = tcc.branch(&*urls[0]).confirm(&*urls[1]).cancel(&*urls[2]);
            branch.call(&serde_json::json!({})).await?;
            server.kill().await;
            Ok(())
        });
        let error = run.await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{protocol:?}: {error}");
        world.server.restart().await;
        assert_eq!(client.wait("g").await.unwrap().status, Status::Failed, "{protocol:?}");
        assert_eq!(world.called(), ["try1", "cancel1"], "{protocol:?}");
    }
}

#[tokio::test]
async fn without_a_server_the_closure_is_not_called() {
    for protocol in ALL {
        let mut world = World::start(protocol).await;
        let client = world.client();
        world.server.kill().await;
        let run = client.tcc("g").run(async |_| -> Result<(), BranchError> { panic!("nothing is prepared") });
        let error = run.await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { .. }), "{protocol:?}: {error}");
        let message = client.message("m").step(world.url("mail"), &1);
        let sent = message.do_and_submit(world.url("query"), async |_| -> Result<(), BranchError> {
            panic!("nothing is prepared")
        });
        let error = sent.await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { .. }), "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn an_abort_that_does_not_arrive_changes_nothing() {
    // behaviour 78
    let mut world = World::start(Protocol::Http).await;
    let client = world.client();
    let urls: Vec<String> = ["try1", "confirm1", "cancel1"].iter().map(|name| world.url(name)).collect();
    let server = &mut world.server;
    let run = client.tcc("g").timeout_to_fail(Duration::from_secs(1)).run(async |tcc| {
        let branch = tcc.branch(&*urls[0]).confirm(&*urls[1]).cancel(&*urls[2]);
        branch.call(&1).await?;
        server.kill().await;
        Err::<(), _>(BranchError::roll_back("no"))
    });
    let error = run.await.unwrap_err();
    assert!(matches!(error, Error::Closure { fate: Fate::RollingBack, .. }), "{error}");
    world.server.restart().await;
    assert_eq!(world.server.end_of("g").await.status(), "failed");
    assert_eq!(world.called(), ["try1", "cancel1"]);
}

//! XA, as the one who orchestrates sees it.

use dtm_client::branch::BranchError;
use dtm_client::{Error, Fate, Xa};
use serde_json::json;

use super::world::{ALL, Protocol, Says, World};
use crate::harness::SUCCESS;

/// What a branch does itself inside its local transaction.
async fn registers(world: &World, gid: &str, branch_id: &str, name: &str) {
    let body = json!({"gid": gid, "trans_type": "xa", "branch_id": branch_id, "url": world.url(name)});
    let answer = world.server.post("registerBranch", &body).await;
    assert_eq!(answer.parts(), (200, SUCCESS));
}

async fn call(xa: &Xa, world: &World, branch_id: &str, name: &str) -> Result<(), BranchError> {
    xa.call(world.url(name), &json!({ "cents": 30 })).await?;
    registers(world, xa.gid(), branch_id, name).await;
    Ok(())
}

#[tokio::test]
async fn all_branches_act_and_are_then_committed_in_order_over_each_protocol() {
    // behaviour 82; features 1.6
    for protocol in ALL {
        let world = World::start(protocol).await;
        let run = world.client().xa("g").wait_result().run(async |xa| {
            call(&xa, &world, "01", "b1").await?;
            call(&xa, &world, "02", "b2").await?;
            Ok("done")
        });
        assert_eq!(run.await.unwrap(), "done", "{protocol:?}");
        assert_eq!(world.called(), ["b1", "b2", "b1", "b2"], "{protocol:?}");
        let ops: Vec<String> = world.seen("b1").into_iter().map(|seen| seen.op).collect();
        assert_eq!(ops, ["action", "commit"], "{protocol:?}");
        assert_eq!(world.payload("b1")["cents"], 30, "{protocol:?}");
        let told = match protocol {
            Protocol::Http => world.http.calls_of("/b1")[0].parameter("phase2_url"),
            Protocol::JsonRpc => world.payload("b1")["phase2_url"].as_str().unwrap().to_owned(),
            Protocol::Grpc => world.grpc.calls_of("b1")[0].header("dtm-phase2_url").to_owned(),
        };
        assert_eq!(told, world.url("b1"), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_branch_that_says_no_has_all_others_rolled_back_over_each_protocol() {
    // behaviour 82, 83
    for protocol in ALL {
        let world = World::start(protocol).await;
        world.on("b2", [Says::No]);
        let run = world.client().xa("g").wait_result().run(async |xa| {
            call(&xa, &world, "01", "b1").await?;
            call(&xa, &world, "02", "b2").await
        });
        let error = run.await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{protocol:?}: {error}");
        assert_eq!(world.called(), ["b1", "b2", "b1"], "{protocol:?}");
        assert_eq!(world.seen("b1")[1].op, "rollback", "{protocol:?}");
        assert_eq!(world.server.query("g").await.status(), "failed");
    }
}

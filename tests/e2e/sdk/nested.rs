//! TCC inside TCC: a try has branches of its own.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::any;
use dtm_client::branch::{BranchContext, BranchOp, BranchResult, Done};
use dtm_client::{Client, Error, Tcc};
use tokio::net::TcpListener;

use super::tcc::branch;
use super::world::{Protocol, Says, World};

/// A travel agency: its try books with two others.
struct Agency {
    world: World,
    client: Client,
}

async fn handle(context: BranchContext, State(agency): State<Arc<Agency>>) -> BranchResult {
    if context.op == BranchOp::Try {
        let tcc = Tcc::from_branch(&agency.client, &context)?;
        branch(&tcc, &agency.world, 1).call(&1).await?;
        branch(&tcc, &agency.world, 2).call(&1).await?;
    }
    Ok(Done)
}

/// The agency, and its URL.
async fn open() -> (Arc<Agency>, String) {
    let world = World::start(Protocol::Http).await;
    let client = world.client();
    let agency = Arc::new(Agency { world, client });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/agency", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/agency", any(handle)).with_state(Arc::clone(&agency));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (agency, url)
}

async fn travel(agency: &Agency, url: &str) -> Result<(), Error> {
    let run = agency.client.tcc("g").wait_result().run(async |tcc| {
        tcc.branch(url).confirm(url).cancel(url).call(&1).await?;
        Ok(())
    });
    run.await
}

#[tokio::test]
async fn the_branches_of_a_branch_are_confirmed_with_everything_else() {
    // behaviour 79; features 1.5
    let (agency, url) = open().await;
    travel(&agency, &url).await.unwrap();
    let view = agency.world.server.query("g").await;
    assert_eq!(view.status(), "succeed");
    let rows = view.row_names();
    let confirms: Vec<_> = rows.iter().filter(|row| row.ends_with("confirm")).map(String::as_str).collect();
    assert_eq!(confirms, ["01 confirm", "0101 confirm", "0102 confirm"]);
    assert_eq!(agency.world.called(), ["try1", "try2", "confirm2", "confirm1"]);
    assert_eq!(agency.world.seen("try2")[0].branch_id, "0102");
}

#[tokio::test]
async fn a_no_of_a_branch_of_a_branch_cancels_everything() {
    // behaviour 79; features 1.5
    let (agency, url) = open().await;
    agency.world.on("try2", [Says::No]);
    let error = travel(&agency, &url).await.unwrap_err();
    assert!(matches!(error, Error::Closure { .. }), "{error}");
    assert_eq!(agency.world.called(), ["try1", "try2", "cancel2", "cancel1"]);
    assert_eq!(agency.world.server.query("g").await.status(), "failed");
}

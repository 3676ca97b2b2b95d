//! What a transaction manager sees of a handler's result.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use axum::Router;
use axum::routing::post;
use dtm_client::branch::{BranchContext, BranchError, BranchOp, BranchResult, Done};
use tokio::net::TcpListener;

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn call(address: SocketAddr, path_and_query: &str) -> (u16, String) {
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("http://{address}{path_and_query}"))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn io_error() -> BranchResult {
    Err(std::io::Error::other("the ledger said FAILURE while ONGOING"))?;
    Ok(Done)
}

#[tokio::test]
async fn each_result_becomes_the_status_and_body_that_a_transaction_manager_knows() {
    // behaviour 55
    let address = serve(
        Router::new()
            .route("/done", post(async || BranchResult::Ok(Done)))
            .route("/no", post(async || BranchResult::Err(BranchError::roll_back("ONGOING strike"))))
            .route("/busy", post(async || BranchResult::Err(BranchError::Ongoing)))
            .route("/error", post(io_error)),
    )
    .await;
    assert_eq!(call(address, "/done").await, (200, r#"{"dtm_result":"SUCCESS"}"#.into()));
    assert_eq!(
        call(address, "/no").await,
        (409, r#"{"dtm_result":"FAILURE","message":"ongoing strike"}"#.into()),
        "a legacy server looks for ONGOING first"
    );
    assert_eq!(call(address, "/busy").await, (425, r#"{"dtm_result":"ONGOING"}"#.into()));
    assert_eq!(
        call(address, "/error").await,
        (500, r#"{"message":"try again later: the ledger said failure while ongoing"}"#.into()),
        "an error that mentions FAILURE is not a rollback"
    );
}

async fn tell(context: BranchContext) -> String {
    format!("{}|{}|{}|{}", context.gid, context.branch_id, context.op, context.trans_type)
}

#[tokio::test]
async fn the_context_is_read_from_the_query_and_anything_else_is_a_400() {
    // behaviour 49
    let address = serve(Router::new().route("/", post(tell))).await;
    let good = "/?x=1&branch_id=01&gid=order%201%2F%E8%AE%A2&op=compensate&trans_type=saga";
    assert_eq!(call(address, good).await, (200, "order 1/订|01|compensate|saga".into()));
    for bad in [
        "/",
        "/?gid=g&branch_id=01&op=action",
        "/?gid=&branch_id=01&op=action&trans_type=saga",
        "/?gid=g&branch_id=01&op=explode&trans_type=saga",
        "/?gid=g&branch_id=01&op=action&trans_type=ballad",
    ] {
        let (code, body) = call(address, bad).await;
        assert_eq!(code, 400, "{bad}");
        assert!(body.starts_with(r#"{"message":"not a branch call: "#), "{bad}: {body}");
    }
}

#[test]
fn every_op_is_read_back_from_its_name() {
    for op in BranchOp::ALL {
        assert_eq!(BranchOp::parse(op.as_str()), Ok(op));
    }
}

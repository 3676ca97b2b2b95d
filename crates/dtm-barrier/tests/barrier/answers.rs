//! What a transaction manager sees of a handler's result.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::post;
use dtm_barrier::{BranchBarrier, BranchContext, BranchError, BranchOp, BranchResult, Done};
use tower_service::Service as _;

/// What a router answers; no network is between.
async fn call(router: &Router, path_and_query: &str) -> (u16, String) {
    let request = Request::post(path_and_query).body(Body::empty()).unwrap();
    let answer = router.clone().call(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn io_error() -> BranchResult {
    Err(std::io::Error::other("the ledger said FAILURE while ONGOING"))?;
    Ok(Done)
}

#[tokio::test]
async fn each_result_becomes_the_status_and_body_that_a_transaction_manager_knows() {
    // behaviour 55
    let router = Router::new()
        .route("/done", post(async || BranchResult::Ok(Done)))
        .route("/no", post(async || BranchResult::Err(BranchError::roll_back("ONGOING strike"))))
        .route("/busy", post(async || BranchResult::Err(BranchError::Ongoing)))
        .route("/error", post(io_error));
    assert_eq!(call(&router, "/done").await, (200, r#"{"dtm_result":"SUCCESS"}"#.into()));
    assert_eq!(
        call(&router, "/no").await,
        (409, r#"{"dtm_result":"FAILURE","message":"ongoing strike"}"#.into()),
        "a legacy server looks for ONGOING first"
    );
    assert_eq!(call(&router, "/busy").await, (425, r#"{"dtm_result":"ONGOING"}"#.into()));
    assert_eq!(
        call(&router, "/error").await,
        (500, r#"{"message":"try again later: the ledger said failure while ongoing"}"#.into()),
        "an error that mentions FAILURE is not a rollback"
    );
}

async fn tell_of_the_barrier(barrier: BranchBarrier) -> String {
    tell(barrier.context().clone()).await
}

async fn tell(context: BranchContext) -> String {
    format!("{}|{}|{}|{}", context.gid, context.branch_id, context.op, context.trans_type)
}

#[tokio::test]
async fn the_context_is_read_from_the_query_and_anything_else_is_a_400() {
    // behaviour 49
    let router = Router::new().route("/", post(tell)).route("/barrier", post(tell_of_the_barrier));
    let good = "/?x=1&branch_id=01&gid=order%201%2F%E8%AE%A2&op=compensate&trans_type=saga";
    assert_eq!(call(&router, good).await, (200, "order 1/订|01|compensate|saga".into()));
    assert_eq!(call(&router, &good.replacen("/?", "/barrier?", 1)).await, call(&router, good).await);
    for bad in [
        "/",
        "/barrier",
        "/barrier?gid=%ff%fe&branch_id=01&op=action&trans_type=saga",
        "/barrier?gid=g&gid=g&branch_id=01&op=action&trans_type=saga",
        "/?gid=g&branch_id=01&op=action",
        "/?gid=&branch_id=01&op=action&trans_type=saga",
        "/?gid=g&branch_id=01&op=explode&trans_type=saga",
        "/?gid=g&branch_id=01&op=action&trans_type=ballad",
    ] {
        let (code, body) = call(&router, bad).await;
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

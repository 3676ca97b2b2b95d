//! XA (behaviour 82 to 85).

use serde_json::{Value, json};

use crate::harness::{Branches, Reply, Server, With, both};

fn xa(gid: &str) -> Value {
    json!({"gid": gid, "trans_type": "xa", "retry_interval": 1})
}

async fn prepared(server: &Server, branches: &Branches, body: &Value, ids: &[&str]) {
    server.accepts("prepare", body).await;
    for id in ids {
        let url = branches.url(&format!("/xa{id}"));
        let register = json!({"gid": body["gid"], "trans_type": "xa", "branch_id": id, "url": url});
        server.accepts("registerXaBranch", &register).await;
    }
}

#[tokio::test]
async fn submit_commits_every_branch_the_first_one_first() {
    // behaviour 82, 84
    let (server, branches) = both().await;
    prepared(&server, &branches, &xa("g"), &["01", "02", "03"]).await;
    branches.on("/xa02", [Reply::ongoing(), Reply::ok()]);
    server.accepts("submit", &xa("g")).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s p s"));
    assert_eq!(branches.paths(), ["/xa01", "/xa02", "/xa02", "/xa03"]);
    assert!(branches.calls().iter().all(|call| call.op() == "commit"));
}

#[tokio::test]
async fn abort_rolls_back_every_branch_until_it_works() {
    // behaviour 82, 85
    let (server, branches) = both().await;
    prepared(&server, &branches, &xa("g"), &["01", "02"]).await;
    branches.on("/xa01", [Reply::error(), Reply::ok()]);
    server.accepts("abort", &xa("g")).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s p s p"));
    assert_eq!(branches.paths(), ["/xa01", "/xa01", "/xa02"]);
    assert!(branches.calls().iter().all(|call| call.op() == "rollback"));
}

#[tokio::test]
async fn a_branch_that_failed_before_it_registered_has_no_row() {
    // behaviour 83
    let (server, branches) = both().await;
    prepared(&server, &branches, &xa("one"), &["01"]).await;
    server.accepts("abort", &xa("one")).await;
    assert_eq!(server.end_of("one").await.rows(), "s p");
    prepared(&server, &branches, &xa("none"), &[]).await;
    server.accepts("abort", &xa("none")).await;
    assert_eq!(server.end_of("none").await.rows(), "");
}

#[tokio::test]
async fn a_client_that_never_decides_is_rolled_back_and_then_refused() {
    // behaviour 84
    let (server, branches) = both().await;
    prepared(&server, &branches, &xa("g").with("timeout_to_fail", 1), &["01"]).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.reason()), ("failed", "Timeout after 1 seconds"));
    assert_eq!(branches.calls()[0].op(), "rollback");
    assert_eq!(server.post("submit", &xa("g")).await.status, 409);
    assert_eq!(branches.calls().len(), 1);
}

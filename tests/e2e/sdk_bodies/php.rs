//! dtm-php's client.

use crate::harness::{Branches, Reply, both};

use super::check_result;

/// PHP's JSON writes an empty map as an empty list.
fn concurrent_saga(gid: &str, branches: &Branches) -> String {
    format!(
        r#"{{"gid":"{gid}","trans_type":"saga","custom_data":"{{\"concurrent\":true,\"orders\":[]}}","concurrent":true,"steps":[{{"action":"{}","compensate":"{}"}},{{"action":"{}","compensate":"{}"}}],"payloads":["{{\"amount\":30}}","{{\"amount\":30}}"]}}"#,
        branches.url("/a1"),
        branches.url("/c1"),
        branches.url("/a2"),
        branches.url("/c2")
    )
}

#[tokio::test]
async fn php_sends_an_empty_list_for_no_orders() {
    // defect R20
    let (server, branches) = both().await;
    check_result(&server.post_text("submit", concurrent_saga("done", &branches)).await);
    assert_eq!(server.end_of("done").await.rows(), "p s p s");

    branches.on("/a2", [Reply::failure()]);
    check_result(&server.post_text("submit", concurrent_saga("undone", &branches)).await);
    let undone = server.end_of("undone").await;
    assert_eq!((undone.status(), undone.rows().as_str()), ("failed", "s s s f"));
}

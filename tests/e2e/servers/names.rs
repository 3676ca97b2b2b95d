//! Two servers under one name.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{Branches, Gate, Place, Reply, Settings, With, saga};

#[tokio::test]
async fn of_two_servers_under_one_name_the_earlier_one_ends_with_a_failure_and_says_why() {
    let Some(place) = Place::shared().map(Arc::new) else { return };
    let settings = Settings::default().with("DTM_NODE_NAME", "twin");
    let branches = Branches::start().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate), Reply::ok()]);
    let mut first = settings.clone().start_at(&place).await;
    first.submit(&saga("g", &branches, 2).with("request_timeout", 20)).await;
    branches.wait_for("/a1", 1).await;
    let second = settings.start_at(&place).await;
    // The later one takes up at once what the earlier one of its name was driving.
    assert_eq!(second.end_of("g").await.status(), "succeed");
    // For 100 ms after its last write the earlier one may believe that it still is its own.
    tokio::time::sleep(Duration::from_millis(150)).await;
    gate.open();
    let ended = first.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
    assert!(ended.log.contains("another server runs under this name"), "{}", ended.log);
    assert!(ended.log.contains("NodeName"), "what to do about it: {}", ended.log);
    assert_eq!(branches.paths(), ["/a1", "/a1", "/a2"]);
    second.submit(&saga("later", &branches, 1)).await;
    assert_eq!(second.end_of("later").await.status(), "succeed");
}

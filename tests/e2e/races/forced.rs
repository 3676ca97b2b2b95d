//! A forced stop while branches are being called.

use serde_json::json;

use super::field::gids;
use super::{Field, Luck};
use crate::harness::{Reply, SUCCESS, saga};

const STEPS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_forced_stop_was_answered_nothing_new_is_called() {
    // behaviour 18, defects B6, B23
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run(async |gid, luck: Luck| {
            field.client().submit(&saga(&gid, &field.branches, STEPS)).await;
            luck.pause(12).await;
            let stop = field.client().post("forceStop", &json!({"gid": gid})).await;
            field.books.close(&gid);
            let view = field.client().query(&gid).await;
            match stop.parts() {
                (200, SUCCESS) => assert_eq!(view.status(), "failed", "{view:?}"),
                (409, _) => {
                    assert!(stop.message().contains("status: succeed"), "{stop:?}");
                    assert_eq!(view.status(), "succeed", "{view:?}");
                }
                _ => panic!("{stop:?}"),
            }
        })
        .await;
    // Everything that was started afterwards has come to an end, so whatever was to come has come.
    field.client().submit(&saga("last", &field.branches, STEPS)).await;
    field.client().end_of("last").await;
    for gid in gids() {
        let calls = field.books.of(&gid);
        // One call may have been on its way when the stop was answered. A second one needs the answer of the first.
        let late = calls.iter().filter(|call| call.late).count();
        assert!(late <= 1, "{gid}: {calls:?}");
        assert!(calls.iter().all(|call| call.op == "action"), "{gid}: {calls:?}");
        let view = field.client().query(&gid).await;
        assert!(view.has_ended(), "{view:?}");
    }
}

//! The same submit several times at once, and again while a confirm fails: nothing is done twice.

use std::collections::HashMap;

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::json;

use super::{Field, Luck};
use crate::harness::{Reply, SUCCESS, message, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_submits_at_the_same_moment_call_each_step_once() {
    // decision 1, defects B1, B22, S1
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run(async |gid, luck: Luck| {
            let body = match luck.below(3) {
                0 => message(&gid, &field.branches, 2),
                _ => saga(&gid, &field.branches, 2),
            };
            let submits = (0..2 + luck.below(2)).map(|_| {
                let pause = luck.millis(4);
                let (client, body) = (field.client(), &body);
                async move {
                    tokio::time::sleep(pause).await;
                    client.post("submit", body).await
                }
            });
            let answers = join_all(submits).await;
            let view = field.client().end_of(&gid).await;
            assert_eq!(view.status(), "succeed", "{view:?}");
            assert!(answers.iter().any(|answer| answer.parts() == (200, SUCCESS)), "{answers:?}");
            for answer in &answers {
                let late = answer.status == 409 && answer.body.contains("current status 'succeed'");
                assert!(late || answer.parts() == (200, SUCCESS), "{answers:?}");
            }
            let calls = field.books.of(&gid);
            let calls: Vec<_> = calls.iter().map(|it| (it.branch_id.as_str(), it.op.as_str())).collect();
            assert_eq!(calls, [("01", "action"), ("02", "action")], "{view:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_again_while_a_confirm_fails_confirms_each_branch_once() {
    // decision 1, defect B1
    let failed: Mutex<HashMap<String, usize>> = Mutex::default();
    let field = Field::new(move |call| {
        let mut failed = failed.lock();
        let times = failed.entry(format!("{} {}", call.gid(), call.branch_id())).or_default();
        *times += 1;
        match (call.branch_id().as_str(), *times) {
            ("02", 1 | 2) => Reply::error(),
            ("01", 1) => Reply::ongoing(),
            _ => Reply::ok(),
        }
    })
    .await;
    field
        .run(async |gid, luck: Luck| {
            let body = json!({"gid": gid, "trans_type": "tcc", "retry_interval": 1});
            field.prepared(&body, 2).await;
            field.client().accepts("submit", &body).await;
            let again = (0..4).map(|_| {
                let pause = luck.millis(8);
                let (client, body) = (field.client(), &body);
                async move {
                    tokio::time::sleep(pause).await;
                    client.post("submit", body).await
                }
            });
            for answer in join_all(again).await {
                let late = answer.status == 409 && answer.body.contains("current status 'succeed'");
                assert!(late || answer.parts() == (200, SUCCESS), "{answer:?}");
            }
            // Each submit runs a pass at once; what is left then waits for its next try, or for this.
            while !field.client().query(&gid).await.has_ended() {
                field.client().accepts("resetNextCronTime", &json!({"gid": gid})).await;
            }
            let view = field.client().query(&gid).await;
            assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"), "{view:?}");
            assert_eq!(field.books.done(&gid), ["02 confirm", "01 confirm"], "{view:?}");
        })
        .await;
}

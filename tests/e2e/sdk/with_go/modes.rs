//! Sagas, TCC opened here, TCC opened by Go.

use std::time::Duration;

use dtm_client::branch::BranchError;
use dtm_client::{Client, Error, Step};
use futures_util::future::join_all;
use serde_json::json;

use super::case::{Case, Ops};
use super::stage::{Stage, go};

const SAGA: Ops = Ops { mode: "saga", forward: &["action"], back: "compensate" };
const TCC: Ops = Ops { mode: "tcc", forward: &["try", "confirm"], back: "cancel" };

/// Before what is repeated because an answer got lost.
const PAUSE: Duration = Duration::from_secs(1);

fn client(stage: &Stage) -> Client {
    Client::http(&format!("http://127.0.0.1:{}", stage.server.port())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn a_saga_of_branches_in_go_and_in_rust_is_done_once_or_undone_once() {
    // I3, I4, I9; null compensation, dangling, each call repeated by both languages
    let Some(stage) = Stage::open().await else { return };
    let cases = Case::all(&stage, "saga");
    let (stage_, client) = (&stage, &client(&stage));
    join_all(cases.iter().map(|case| async move {
        let mut saga = client.saga(case.gid.as_str()).retry_interval(PAUSE);
        for (url, order) in case.branches(stage_) {
            saga = saga.step(Step::new(&*url, &*url).payload(&order).unwrap());
        }
        saga.submit().await.unwrap();
        case.ends(stage_, SAGA).await;
    }))
    .await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn a_tcc_opened_here_has_branches_in_go_and_in_rust_and_is_confirmed_once_or_cancelled_once() {
    // I3, I4, I6, I9
    let Some(stage) = Stage::open().await else { return };
    let cases = Case::all(&stage, "tcc");
    let (stage_, client) = (&stage, &client(&stage));
    join_all(cases.iter().map(|case| async move {
        let run = client.tcc(case.gid.as_str()).retry_interval(PAUSE).run(async |tcc| {
            for (url, order) in case.branches(stage_) {
                tcc.branch(&*url).confirm(&*url).cancel(&*url).call(&order).await?;
            }
            Ok::<_, BranchError>(())
        });
        match (run.await, case.is_refused) {
            (Ok(()), false) | (Err(Error::Closure { .. }), true) => {}
            (other, _) => panic!("{case:?}: {other:?}"),
        }
        case.ends(stage_, TCC).await;
    }))
    .await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn a_tcc_opened_by_go_has_branches_in_go_and_in_rust_and_is_confirmed_once_or_cancelled_once() {
    // I3, I4, I6, I9
    let Some(stage) = Stage::open().await else { return };
    let cases = Case::all(&stage, "go");
    let stage_ = &stage;
    join_all(cases.iter().map(|case| async move {
        let branches = case.branches(stage_).map(|(url, order)| json!({ "url": url, "order": order }));
        let (_, said) = go(&stage_.server, "open-tcc", &case.gid, |command| {
            command.env("COMPAT_BRANCHES", json!(branches).to_string());
        })
        .await;
        assert_eq!(said, if case.is_refused { "aborted" } else { "submitted" }, "{case:?}");
        case.ends(stage_, TCC).await;
    }))
    .await;
    stage.close().await;
}

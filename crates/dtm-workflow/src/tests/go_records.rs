//! Records as Go's SDK writes them: what it began is gone on with here.

use dtm_client::{BranchStatus, Op, Status};

use super::memory::Memory;
use crate::{BranchError, Error, Workflow, Workflows};

const DONE: BranchStatus = BranchStatus::Succeed;
const NO: BranchStatus = BranchStatus::Failed;

/// As `transfer` of tests/compat/go: the branches "out" and "in", called over HTTP, each undone by its rollback.
fn transfer(memory: &Memory) -> Workflows {
    let function = async |wf: Workflow, data: Vec<u8>| {
        for name in ["out", "in"] {
            let branch = wf.branch().named(name).on_rollback(async |_| Ok(()));
            // Only what is not recorded is sent, and nobody listens there.
            branch.send(reqwest::Client::new().post(format!("http://127.0.0.1:1/{name}"))).await?;
        }
        Ok([b"done: ", &*data].concat())
    };
    memory.workflows().register_bytes("transfer", function).build().unwrap()
}

async fn executed(memory: &Memory) -> Result<Vec<u8>, Error> {
    transfer(memory).execute_bytes("transfer", "g", b"30".to_vec()).await
}

#[tokio::test]
async fn steps_that_go_has_recorded_are_not_run_again() {
    // over HTTP the body of the answer, over gRPC the message
    for answer in [&br#"{"dtm_result":"SUCCESS"}"#[..], b""] {
        let memory =
            Memory::begun("g", &[("01", Op::Action, DONE, answer), ("02", Op::Action, DONE, answer)]);
        assert_eq!(executed(&memory).await.unwrap(), b"done: 30");
        assert_eq!(memory.rows("g").len(), 2);
        assert_eq!(memory.end("g"), Some((Status::Succeed, "done: 30".to_owned())));
    }
}

#[tokio::test]
async fn a_no_that_go_has_recorded_is_rolled_back_here_with_its_reason() {
    for (data, reason) in [
        (&br#"{"error":"no money FAILURE"}"#[..], "no money"),
        (b"rpc error: code = Aborted desc = no money", "no money"),
        (b"rpc error: code = Aborted desc = FAILURE", "branch 02 said no"),
        // a local step: Go's SDK records what the function returned beside its error, mostly nothing
        (b"", "branch 02 said no"),
    ] {
        let memory = Memory::begun("g", &[("01", Op::Action, DONE, b"{}"), ("02", Op::Action, NO, data)]);
        let error = executed(&memory).await.unwrap_err();
        assert!(matches!(&error, Error::RolledBack { reason: it, .. } if it == reason), "{error}");
        assert_eq!(memory.rows("g"), ["01 action succeed", "02 action failed", "01 rollback succeed"]);
    }
}

#[tokio::test]
async fn a_rollback_that_go_has_begun_is_finished_here() {
    let memory = Memory::begun(
        "g",
        &[("01", Op::Action, DONE, b"{}"), ("02", Op::Action, NO, b"no"), ("01", Op::Rollback, DONE, b"")],
    );
    assert!(matches!(executed(&memory).await, Err(Error::RolledBack { .. })));
    assert_eq!(memory.rows("g").len(), 3, "nothing is undone twice");
}

#[tokio::test]
async fn local_steps_of_go_are_read_as_bytes_and_as_json() {
    let memory = Memory::begun(
        "g",
        &[
            ("01", Op::Action, DONE, b"\x00\xff"),
            ("02", Op::Action, DONE, b"{\"a\":1}"),
            ("03", Op::Action, DONE, b""),
        ],
    );
    let function = async |wf: Workflow, (): ()| {
        let bytes = wf.branch().run_bytes(async |_| Err(BranchError::Ongoing)).await?;
        let json: serde_json::Value = wf.branch().run(async |_| Err(BranchError::Ongoing)).await?;
        let nothing: () = wf.branch().run(async |_| Err(BranchError::Ongoing)).await?;
        Ok((bytes, json["a"].clone(), nothing))
    };
    let workflows = memory.workflows().register("f", function).build().unwrap();
    let (bytes, a, ()): (Vec<u8>, u8, ()) = workflows.execute("f", "g", &()).await.unwrap();
    assert_eq!((bytes, a), (vec![0, 255], 1));
}

#[tokio::test]
async fn a_step_of_xa_is_not_taken_for_a_plain_one() {
    let memory = Memory::begun("g", &[("01", Op::Business, DONE, b""), ("01", Op::Action, DONE, b"{}")]);
    let error = executed(&memory).await.unwrap_err();
    assert!(error.to_string().contains("branch 01 is a step of XA"), "{error}");
    assert_eq!(memory.end("g"), None);
}

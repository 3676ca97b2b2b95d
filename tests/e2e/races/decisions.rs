//! Submit, abort, time-out, back-check and registration against one another: one of them wins.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Field, Luck};
use crate::harness::{Answer, Reply, SUCCESS, View, message};

/// One was accepted and the transaction says so, the other one was told that it came too late.
fn one_wins(view: &View, submit: &Answer, abort: &Answer) -> bool {
    let succeeded = view.status() == "succeed";
    let (won, lost) = if succeeded { (submit, abort) } else { (abort, submit) };
    assert_eq!(won.parts(), (200, SUCCESS), "{view:?}\n{submit:?}\n{abort:?}");
    assert_eq!((lost.status, &lost.json()["dtm_result"]), (409, &json!("FAILURE")), "{lost:?}");
    succeeded
}

/// Where it ends when it is submitted and aborted at the same moment, and whether the submit won.
async fn submitted_and_aborted(field: &Field, luck: &Luck, gid: &str, body: &Value) -> (View, bool) {
    let asked = async |verb| {
        luck.pause(2).await;
        field.client().post(verb, body).await
    };
    let (submit, abort) = tokio::join!(asked("submit"), asked("abort"));
    let view = field.client().end_of(gid).await;
    let submitted = one_wins(&view, &submit, &abort);
    field.won(submitted);
    (view, submitted)
}

/// Prepares a message and submits it at about the moment at which its back-check is due.
async fn submitted_at_the_time_out(field: &Field, luck: &Luck, gid: &str) -> Answer {
    let mut body = message(gid, &field.branches, 2);
    body["timeout_to_fail"] = 1.into();
    field.client().accepts("prepare", &body).await;
    tokio::time::sleep(Duration::from_millis(980) + luck.millis(60)).await;
    field.client().post("submit", &body).await
}

fn body(gid: &str, mode: &str) -> Value {
    json!({"gid": gid, "trans_type": mode, "retry_interval": 1})
}

/// The rows of a second phase in the order of their calls.
fn rows(op: &str, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("{number:02} {op}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_submit_and_abort_one_wins_and_every_branch_goes_its_way() {
    // decision 15, defect M7, invariant I6
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run(async |gid, luck: Luck| {
            let mode = ["tcc", "xa"][luck.below(2)];
            let body = body(&gid, mode);
            field.prepared(&body, 2).await;
            let (view, submitted) = submitted_and_aborted(&field, &luck, &gid, &body).await;
            let expected = match (submitted, mode) {
                (true, "tcc") => rows("confirm", (1..=2).rev()),
                (false, "tcc") => rows("cancel", (1..=2).rev()),
                (true, _) => rows("commit", 1..=2),
                (false, _) => rows("rollback", 1..=2),
            };
            assert_eq!(field.books.done(&gid), expected, "{view:?}");
        })
        .await;
    field.assert_both_have_won();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_submit_and_abort_of_a_message_one_wins() {
    // behaviour 17, 89, invariant I7
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run(async |gid, luck: Luck| {
            let body = message(&gid, &field.branches, 2);
            field.client().accepts("prepare", &body).await;
            let (view, submitted) = submitted_and_aborted(&field, &luck, &gid, &body).await;
            let expected = if submitted { rows("action", 1..=2) } else { Vec::new() };
            assert_eq!(field.books.done(&gid), expected, "{view:?}");
        })
        .await;
    field.assert_both_have_won();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_submit_and_the_time_out_one_wins() {
    // behaviour 78, 84
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run_many(250, async |gid, luck: Luck| {
            let mut body = body(&gid, "tcc");
            body["timeout_to_fail"] = 2.into(); // enough to register everything before, even on a busy machine
            let asked = Instant::now();
            field.prepared(&body, 2).await;
            let prepared = Instant::now();
            // It was created between the two.
            let middle = asked + (prepared - asked) / 2 + Duration::from_millis(1_980);
            tokio::time::sleep_until(middle + luck.millis(60)).await;
            let submit = field.client().post("submit", &body).await;
            let view = field.client().end_of(&gid).await;
            let op = match submit.parts() {
                (200, SUCCESS) => "confirm",
                (409, _) => "cancel",
                _ => panic!("{submit:?}"),
            };
            let status = if op == "confirm" { "succeed" } else { "failed" };
            field.won(op == "confirm");
            assert_eq!(view.status(), status, "{submit:?} {view:?}");
            assert_eq!(field.books.done(&gid), rows(op, (1..=2).rev()), "{view:?}");
        })
        .await;
    field.assert_both_have_won();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_submit_and_a_back_check_that_says_no_one_wins() {
    // behaviour 88: whoever asks while the local transaction is open may be told no
    let field = Field::new(|call| if call.op() == "msg" { Reply::failure() } else { Reply::ok() }).await;
    field
        .run_many(250, async |gid, luck: Luck| {
            let submit = submitted_at_the_time_out(&field, &luck, &gid).await;
            let view = field.client().end_of(&gid).await;
            let (status, expected) = match submit.parts() {
                (200, SUCCESS) => ("succeed", rows("action", 1..=2)),
                (409, _) => ("failed", Vec::new()),
                _ => panic!("{submit:?}"),
            };
            field.won(status == "succeed");
            assert_eq!((view.status(), field.books.done(&gid)), (status, expected), "{submit:?} {view:?}");
        })
        .await;
    field.assert_both_have_won();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_and_a_back_check_that_says_yes_call_each_branch_once() {
    // behaviour 88, invariant I7
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run_many(250, async |gid, luck: Luck| {
            let submit = submitted_at_the_time_out(&field, &luck, &gid).await;
            let late = submit.status == 409 && submit.body.contains("current status 'succeed'");
            assert!(submit.status == 200 || late, "{submit:?}");
            field.won(!late);
            let view = field.client().end_of(&gid).await;
            let expected = ("succeed", rows("action", 1..=2));
            assert_eq!((view.status(), field.books.done(&gid)), expected, "{submit:?} {view:?}");
        })
        .await;
    field.assert_both_have_won();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_was_registered_is_cancelled_and_one_that_came_too_late_is_told_so() {
    // behaviour 22, 101, 102
    let field = Field::new(|_| Reply::ok()).await;
    field
        .run(async |gid, luck: Luck| {
            let body = body(&gid, "tcc");
            field.prepared(&body, 1).await;
            let registers = (2..=4).map(|number| {
                let (branch, pause) = (field.branch(&body, number), luck.millis(3));
                let client = field.client();
                async move {
                    tokio::time::sleep(pause).await;
                    (number, client.post("registerBranch", &branch).await)
                }
            });
            let abort = async {
                luck.pause(3).await;
                field.client().post("abort", &body).await
            };
            let (registers, abort) = tokio::join!(join_all(registers), abort);
            assert_eq!(abort.parts(), (200, SUCCESS));
            let view = field.client().end_of(&gid).await;
            assert_eq!(view.status(), "failed", "{view:?}");
            let mut expected = vec!["01 cancel".to_owned()];
            for (number, answer) in &registers {
                field.won(answer.status == 200);
                match answer.status {
                    200 => expected.push(format!("{number:02} cancel")),
                    409 => assert!(answer.message().contains("status: prepared found"), "{answer:?}"),
                    _ => panic!("{answer:?}"),
                }
            }
            let mut done = field.books.done(&gid);
            done.sort();
            assert_eq!(done, expected, "{view:?}\n{registers:?}");
        })
        .await;
    field.assert_both_have_won();
}

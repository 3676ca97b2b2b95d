//! The situations that the tables show.

use dtm_core::model::{BranchProgress, BranchStatus, Mode, Outcome, Status};

use crate::fixtures::{Case, Given, failure, seconds, unknown};

/// A transaction, and where it is.
pub(super) struct Situation {
    pub(super) what: &'static str,
    pub(super) case: Case,
}

/// The situations of a mode in a status. A status that is never reached has one, made by force.
pub(super) fn situations(mode: Mode, status: Status) -> Vec<Situation> {
    let found = match (mode, status) {
        (Mode::Saga, Status::Submitted) => submitted_sagas(),
        (Mode::Saga, Status::Aborting) => aborting_sagas(),
        (Mode::Tcc | Mode::Xa, Status::Prepared) => {
            vec![("two branches are registered", given(mode).started())]
        }
        (Mode::Tcc, Status::Submitted) => second_phase(mode, ["confirm 02", "confirm 01"], Case::submit),
        (Mode::Xa, Status::Submitted) => second_phase(mode, ["commit 01", "commit 02"], Case::submit),
        (Mode::Tcc, Status::Aborting) => second_phase(mode, ["cancel 02", "cancel 01"], abort),
        (Mode::Xa, Status::Aborting) => second_phase(mode, ["rollback 01", "rollback 02"], abort),
        (Mode::Message, Status::Prepared) => prepared_messages(),
        (Mode::Message, Status::Submitted) => submitted_messages(),
        (Mode::Workflow, Status::Prepared) => prepared_workflows(),
        (_, Status::Succeed | Status::Failed) => vec![("the end", forced(mode, status))],
        (Mode::Saga, Status::Prepared)
        | (Mode::Message, Status::Aborting)
        | (Mode::Workflow, Status::Submitted | Status::Aborting) => {
            vec![("never reached", forced(mode, status))]
        }
    };
    found.into_iter().map(|(what, case)| Situation { what, case }).collect()
}

type Named = Vec<(&'static str, Case)>;

fn given(mode: Mode) -> Given {
    let given = match mode {
        Mode::Saga => Given::saga(2),
        Mode::Tcc => Given::tcc(2),
        Mode::Xa => Given::xa(2),
        Mode::Message => Given::message(2),
        Mode::Workflow => Given::workflow(),
    };
    given.with(|options| options.timeout_to_fail = seconds(60))
}

fn forced(mode: Mode, status: Status) -> Case {
    let mut case = given(mode).started();
    let mut transaction = case.transaction().clone();
    transaction.state.status = status;
    transaction.state.progress =
        vec![BranchProgress { status: BranchStatus::Succeed, ..BranchProgress::UNTOUCHED }];
    if mode == Mode::Workflow {
        transaction.state.progress.clear();
    }
    case.run = dtm_core::coordinator::Run::recovered(transaction);
    case
}

fn submitted_sagas() -> Named {
    let started = given(Mode::Saga).started();
    let mut last = started.clone();
    last.succeeds("action 01");
    let mut waits = started.clone();
    waits.answer("action 01", Outcome::Ongoing);
    let limited = given(Mode::Saga).with(|options| options.retry_limit = Some(1)).started();
    let mut used_up = limited.clone();
    used_up.answer("action 01", unknown());
    vec![
        ("action 01 is out", started),
        ("action 02 is out, the last one", last),
        ("action 01 waits for the next pass", waits),
        ("action 01 is out, retry limit 1", limited),
        ("action 01 is out again, retry limit 1 used up", used_up),
    ]
}

fn aborting_sagas() -> Named {
    let mut first = given(Mode::Saga).started();
    first.succeeds("action 01").answer("action 02", failure());
    let mut last = first.clone();
    last.succeeds("compensate 02");
    let mut both = Given::concurrent_saga(2, &[]).with(|o| o.timeout_to_fail = seconds(60)).started();
    both.answer("action 01", failure());
    vec![
        ("compensate 02 is out", first),
        ("compensate 01 is out, the last one", last),
        ("concurrent; action 01 failed, action 02 is still out", both),
    ]
}

fn abort(case: &mut Case) -> &mut Case {
    case.abort("why")
}

fn second_phase(mode: Mode, order: [&'static str; 2], decide: fn(&mut Case) -> &mut Case) -> Named {
    let mut first = given(mode).started();
    decide(&mut first);
    let mut last = first.clone();
    last.succeeds(order[0]);
    vec![("the first call is out", first), ("the last call is out", last)]
}

fn prepared_messages() -> Named {
    let waits = given(Mode::Message).started();
    let mut asks = waits.clone();
    asks.wake();
    vec![("the client has not decided", waits), ("the back-check is out", asks)]
}

fn submitted_messages() -> Named {
    let first = given(Mode::Message).submitted();
    let mut last = first.clone();
    last.succeeds("action 01");
    let mut both = given(Mode::Message).with(|options| options.concurrent = true).submitted();
    both.answer("action 01", unknown());
    vec![
        ("action 01 is out", first),
        ("action 02 is out, the last one", last),
        ("concurrent; action 01 waits for the next pass, action 02 is out", both),
    ]
}

fn prepared_workflows() -> Named {
    let waits = given(Mode::Workflow).started();
    let mut out = waits.clone();
    out.wake();
    vec![("the client runs it", waits), ("the call-back is out", out)]
}

//! Each invariant can fail: a small run that breaks it, and the one next to it that does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use dtm_core::coordinator::{CallKey, Policy};
use dtm_core::model::{
    BranchId, BranchIndex, BranchStatus, Definition, Gid, Mode, Op, Options, Ordering, Payload, Plan,
    Protocol, Registration, Status, Step, StepIndex, Timestamp, Transaction,
};
use dtm_store::{Epoch, NodeName, OwnerToken, Ownership};

use super::{Answer, Ask, Did, Entry, Event, Observed, check};

fn gid() -> Gid {
    Gid::parse("g").unwrap()
}

fn branch(index: u32) -> BranchId {
    BranchId::of_step(StepIndex::new(index))
}

fn owner(counter: u64) -> Ownership {
    let token = OwnerToken { node: NodeName::parse("a").unwrap(), epoch: Epoch(1), counter };
    Ownership { token, held: true }
}

fn transaction(plan: Plan, status: Status) -> Transaction {
    let definition = Definition {
        gid: gid(),
        protocol: Protocol::Http,
        plan,
        options: Options::default(),
        custom_data: String::new(),
        created_at: Timestamp::from_millis(0),
    };
    let mut transaction = Transaction::submitted(definition, &Policy::default());
    transaction.state.status = status;
    transaction
}

fn saga(status: Status) -> Transaction {
    let steps = vec![Step::new("http://do", "http://undo", "{}"); 2];
    transaction(Plan::Saga { steps, ordering: Ordering::Sequential }, status)
}

fn tcc(status: Status) -> Transaction {
    let mut tcc = transaction(Plan::Tcc, status);
    tcc.registrations = vec![Registration::Tcc {
        branch_id: branch(0),
        confirm: Arc::from("http://confirm"),
        cancel: Arc::from("http://cancel"),
        data: "{}".into(),
    }];
    tcc
}

/// With these operations recorded for its first branch.
fn workflow(status: Status, ops: &[Op]) -> Transaction {
    let plan =
        Plan::Workflow { callback: Arc::from("http://flow"), name: Arc::from("f"), data: Payload::empty() };
    let mut workflow = transaction(plan, status);
    let recorded = |op: &Op| Registration::Workflow {
        branch_id: branch(0),
        op: *op,
        status: BranchStatus::Succeed,
        data: Payload::empty(),
    };
    workflow.registrations = ops.iter().map(recorded).collect();
    workflow
}

fn effect(index: u32, op: Op, did: Did) -> Event {
    Event::Effect { gid: gid(), branch_id: branch(index), op, did }
}

fn created() -> Event {
    Event::Created { gid: gid(), mode: Mode::Saga, status: Status::Submitted, owner: owner(0) }
}

fn committed(status: Status, expected: u64, next: u64) -> Event {
    Event::Committed { gid: gid(), status, expected: owner(expected).token, owner: owner(next) }
}

fn called(id: u64, op: Op) -> Event {
    let key = CallKey::Branch(BranchIndex::new(0));
    Event::Called { id, caller: "a:1".to_owned(), gid: gid(), key, branch_id: branch(0), op: Some(op) }
}

fn answered(ask: Ask, answer: Answer) -> Event {
    Event::Answered { gid: gid(), ask, answer }
}

/// The names of the invariants that a run breaks. One event a minute.
fn broken(events: &[Event], stored: Option<Transaction>) -> Vec<&'static str> {
    let minutes = (0..).map(|minute| Timestamp::from_millis(minute * 60_000));
    let entries: Vec<Entry> =
        minutes.zip(events).map(|(at, event)| Entry { at, event: event.clone() }).collect();
    let stored: BTreeMap<Gid, Transaction> = stored.into_iter().map(|stored| (gid(), stored)).collect();
    let mut names: Vec<_> =
        check(&Observed::new(&entries, &stored)).into_iter().map(|violation| violation.invariant).collect();
    names.dedup();
    names
}

#[test]
fn an_acknowledged_submit_that_is_not_stored_breaks_i1() {
    let accepted = answered(Ask::Submit, Answer::Accepted);
    let ended = [accepted.clone(), created(), committed(Status::Failed, 0, 0)];
    assert_eq!(broken(&[accepted], None), ["I1"]);
    assert_eq!(broken(&ended, None), Vec::<&str>::new(), "a finished one may be removed");
}

#[test]
fn an_acknowledged_abort_that_went_forward_breaks_i1() {
    let done = [effect(0, Op::Action, Did::Applied), effect(0, Op::Confirm, Did::Applied)];
    let events = [&done[..], &[answered(Ask::Abort, Answer::Accepted)]].concat();
    assert_eq!(broken(&events, Some(tcc(Status::Succeed))), ["I1"]);
}

#[test]
fn a_refused_request_that_was_stored_breaks_i1() {
    let refused = answered(Ask::Submit, Answer::Refused("no".to_owned()));
    let unknown = answered(Ask::Submit, Answer::Unknown("?".to_owned()));
    let failed = || Some(saga(Status::Failed));
    assert_eq!(broken(&[created(), refused.clone()], failed()), ["I1"]);
    assert_eq!(broken(&[created(), unknown, refused], failed()), Vec::<&str>::new());
}

#[test]
fn an_end_that_changes_breaks_i2_and_an_answer_that_was_under_way_does_not() {
    let read = |number, status| Event::Read { number, gid: gid(), status: Some(status) };
    let asks = |number| Event::Asked { gid: gid(), ask: Ask::Read(number) };
    let end = [created(), committed(Status::Failed, 0, 0)];
    let failed = || Some(saga(Status::Failed));
    let late = [&[asks(1)], &end[..], &[read(1, Status::Submitted)]].concat();
    assert_eq!(broken(&late, failed()), Vec::<&str>::new());
    let wrong = [&end[..], &[asks(1), read(1, Status::Submitted)]].concat();
    assert_eq!(broken(&wrong, failed()), ["I2"]);
    assert_eq!(broken(&end, Some(saga(Status::Aborting))), ["I2", "I8"]);
}

#[test]
fn a_step_that_never_ran_or_was_undone_breaks_i3() {
    let once = [effect(0, Op::Action, Did::Applied), effect(1, Op::Action, Did::Applied)];
    assert_eq!(broken(&once, Some(saga(Status::Succeed))), Vec::<&str>::new());
    assert_eq!(broken(&once[..1], Some(saga(Status::Succeed))), ["I3"]);
    let undone = [&once[..], &[effect(1, Op::Compensate, Did::Applied)]].concat();
    assert_eq!(broken(&undone, Some(saga(Status::Succeed))), ["I3"]);
}

#[test]
fn an_effect_that_is_left_breaks_i4_unless_an_operator_stopped_the_transaction() {
    let left = effect(0, Op::Action, Did::Applied);
    let stopped = Event::Asked { gid: gid(), ask: Ask::ForceStop };
    assert_eq!(broken(std::slice::from_ref(&left), Some(saga(Status::Failed))), ["I4"]);
    assert_eq!(broken(&[left, stopped], Some(saga(Status::Failed))), Vec::<&str>::new());
    assert_eq!(broken(&[effect(0, Op::Cancel, Did::Empty)], Some(tcc(Status::Failed))), Vec::<&str>::new());
    let both = [effect(0, Op::Cancel, Did::Empty), effect(0, Op::Confirm, Did::Applied)];
    assert_eq!(broken(&both, Some(tcc(Status::Failed))), ["I4"]);
}

#[test]
fn compensations_in_the_order_of_the_actions_break_i5() {
    let run = |first, second| {
        let events = [
            effect(0, Op::Action, Did::Applied),
            effect(1, Op::Action, Did::Applied),
            effect(first, Op::Compensate, Did::Applied),
            effect(second, Op::Compensate, Did::Applied),
        ];
        broken(&events, Some(saga(Status::Failed)))
    };
    assert_eq!(run(1, 0), Vec::<&str>::new());
    assert_eq!(run(0, 1), ["I5"]);
}

#[test]
fn a_branch_that_is_called_both_ways_breaks_i6() {
    let end = |id| Event::CallEnded { id, gid: gid(), outcome: None };
    let events = [created(), called(1, Op::Cancel), end(1), called(2, Op::Confirm)];
    let refused = answered(Ask::Submit, Answer::Unknown("?".to_owned()));
    assert_eq!(broken(&[&events[..], &[refused]].concat(), None), ["I6"]);
}

#[test]
fn a_message_that_fails_after_its_local_transaction_committed_breaks_i7() {
    let plan = || Plan::Message { steps: Vec::new(), query_prepared: Arc::from("http://query"), delay: None };
    let local = |committed| [Event::Local { gid: gid(), committed }];
    assert_eq!(broken(&local(true), Some(transaction(plan(), Status::Failed))), ["I7"]);
    assert_eq!(broken(&local(false), Some(transaction(plan(), Status::Failed))), Vec::<&str>::new());
}

#[test]
fn a_transaction_that_never_ends_breaks_i8() {
    assert_eq!(broken(&[], Some(saga(Status::Submitted))), ["I8"]);
}

#[test]
fn a_write_under_an_old_token_breaks_i11() {
    let unknown = answered(Ask::Submit, Answer::Unknown("?".to_owned()));
    let claimed = Event::Claimed { gid: gid(), owner: owner(1) };
    let run = |expected| {
        let late = committed(Status::Failed, expected, 1);
        broken(&[unknown.clone(), created(), claimed.clone(), late], Some(saga(Status::Failed)))
    };
    assert_eq!(run(1), Vec::<&str>::new());
    assert_eq!(run(0), ["I11"]);
}

#[test]
fn a_workflow_that_ends_otherwise_than_its_client_was_told_breaks_i1() {
    let done = effect(0, Op::Action, Did::Applied);
    let ended = |succeeded| [done.clone(), answered(Ask::End { succeeded }, Answer::Accepted)];
    let stored = || Some(workflow(Status::Succeed, &[Op::Action]));
    assert_eq!(broken(&ended(true), stored()), Vec::<&str>::new());
    assert_eq!(broken(&ended(false), stored()), ["I1"]);
}

#[test]
fn a_workflow_keeps_i3_and_i4_as_well() {
    let did = |ops: &[Op]| ops.iter().map(|op| effect(0, *op, Did::Applied)).collect::<Vec<_>>();
    let (once, undone) = ([Op::Action], [Op::Action, Op::Rollback]);
    assert_eq!(broken(&did(&undone), Some(workflow(Status::Failed, &undone))), Vec::<&str>::new());
    assert_eq!(broken(&did(&once), Some(workflow(Status::Failed, &once))), ["I4"]);
    assert_eq!(broken(&did(&undone), Some(workflow(Status::Succeed, &undone))), ["I3"]);
    assert_eq!(broken(&[], Some(workflow(Status::Succeed, &once))), ["I3"]);
}

#[test]
fn a_step_that_is_recorded_twice_or_for_two_executions_breaks_i12() {
    let (done, undone) = (effect(0, Op::Action, Did::Applied), effect(0, Op::Rollback, Did::Applied));
    let told = answered(Ask::Register(branch(0)), Answer::Accepted);
    let both = workflow(Status::Failed, &[Op::Action, Op::Rollback]);
    let events = [done.clone(), told.clone(), undone.clone(), told.clone()];
    assert_eq!(broken(&events, Some(both)), Vec::<&str>::new());
    let twice = workflow(Status::Succeed, &[Op::Action, Op::Action]);
    assert_eq!(broken(&[done.clone(), told.clone()], Some(twice)), ["I12"]);
    let once = workflow(Status::Succeed, &[Op::Action]);
    assert_eq!(broken(&[done, told.clone(), told], Some(once)), ["I12"]);
}

#[test]
fn calls_that_come_too_early_too_late_or_twice_at_a_time_are_found() {
    let unknown = answered(Ask::Submit, Answer::Unknown("?".to_owned()));
    let end = |id| Event::CallEnded { id, gid: gid(), outcome: None };
    let first = [unknown, created(), called(1, Op::Action)];
    let failed = || Some(saga(Status::Failed));
    assert_eq!(broken(&first, failed()), Vec::<&str>::new());
    assert_eq!(broken(&first[2..], failed()), ["write before call"]);
    assert_eq!(broken(&[&first[..], &[called(2, Op::Action)]].concat(), failed()), ["one driver"]);
    let too_late = [end(1), committed(Status::Failed, 0, 0), called(2, Op::Action)];
    assert_eq!(broken(&[&first[..], &too_late].concat(), failed()), ["nothing after the end"]);
}

#[test]
fn other_content_that_is_accepted_and_equal_content_that_is_not_are_found() {
    let stored = || Some(saga(Status::Failed));
    assert_eq!(broken(&[answered(Ask::SubmitOther, Answer::Accepted)], stored()), ["repeats"]);
    let refused = Answer::Refused("gid is in use by a transaction with other content".to_owned());
    assert_eq!(broken(&[answered(Ask::Submit, refused)], stored()), ["repeats"]);
}

#[test]
fn a_server_that_goes_on_calling_after_its_successor_came_is_found() {
    let unknown = answered(Ask::Submit, Answer::Unknown("?".to_owned()));
    let joined = |epoch| Event::Joined { node: NodeName::parse("a").unwrap(), epoch: Epoch(epoch) };
    let run = |epoch| {
        let events = [unknown.clone(), created(), joined(epoch), called(1, Op::Action)];
        broken(&events, Some(saga(Status::Failed)))
    };
    assert_eq!(run(1), Vec::<&str>::new());
    assert_eq!(run(2), ["successors"]);
}

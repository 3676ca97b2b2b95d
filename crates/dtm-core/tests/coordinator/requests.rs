//! Requests of clients against what is stored: prepare, submit, registration.

use dtm_core::coordinator::{
    Input, Limits, Readmission, Refusal, Registered, Verb, admit, readmit, register,
};
use dtm_core::model::{
    Amendment, BranchId, BranchStatus, Definition, Op, Options, Payload, Plan, Registration, Status, Step,
    Transaction, WorkflowEnd, fan_out,
};

use super::fixtures::{Given, seconds, tcc_branch, xa_branch};

fn limits() -> Limits {
    Limits { branches_max: 3, order_entries_max: 2 }
}

fn in_status(given: &Given, status: Status) -> Transaction {
    let mut transaction = given.transaction();
    transaction.state.status = status;
    transaction
}

fn again(given: &Given, request: &Definition, verb: Verb, status: Status) -> Result<Readmission, Refusal> {
    readmit(&in_status(given, status), request, None, verb)
}

#[test]
fn too_much_is_refused_before_it_is_stored() {
    // decision 14, defect M6
    assert_eq!(admit(&Given::saga(3).definition, Verb::Submit, &limits()), Ok(()));
    let found = admit(&Given::saga(4).definition, Verb::Submit, &limits());
    assert_eq!(found, Err(Refusal::TooManyBranches { found: 4, limit: 3 }));
    let orders = Given::concurrent_saga(3, &[(2, &[0, 1]), (1, &[0])]);
    assert!(matches!(admit(&orders.definition, Verb::Submit, &limits()), Err(Refusal::Invalid(_))));
    let orders = Given::concurrent_saga(3, &[(2, &[0, 1])]);
    assert_eq!(admit(&orders.definition, Verb::Submit, &limits()), Ok(()));
}

#[test]
fn what_needs_a_preparation_is_not_submitted_without_one() {
    for given in [Given::tcc(0), Given::xa(0)] {
        assert_eq!(admit(&given.definition, Verb::Prepare, &limits()), Ok(()));
        assert!(matches!(admit(&given.definition, Verb::Submit, &limits()), Err(Refusal::Invalid(_))));
    }
    let workflow = Given::workflow().definition;
    assert_eq!(admit(&workflow, Verb::Prepare, &limits()), Ok(()));
    assert_eq!(admit(&workflow, Verb::Submit, &limits()), Err(Refusal::WorkflowNotPrepared), "behaviour 96");
    assert_eq!(admit(&Given::message(1).definition, Verb::Submit, &limits()), Ok(()), "a plain message");
    assert!(admit(&Given::saga(1).definition, Verb::Prepare, &limits()).is_err());
}

#[test]
fn preparing_again_is_the_same_while_it_is_prepared() {
    // behaviour 12, 89
    let given = Given::tcc(0);
    let request = &given.definition;
    assert_eq!(again(&given, request, Verb::Prepare, Status::Prepared), Ok(Readmission::Same));
    let refusal = again(&given, request, Verb::Prepare, Status::Succeed).unwrap_err();
    assert_eq!(refusal.to_string(), "current status 'succeed', cannot prepare. FAILURE");
}

#[test]
fn submitting_again_goes_on_with_what_is_stored() {
    // behaviour 15, 16, decision 1, defects B1 and S1
    let given = Given::saga(2);
    let feed = Input::Submitted { amendment: None, end: None };
    assert_eq!(
        again(&given, &given.definition, Verb::Submit, Status::Submitted),
        Ok(Readmission::Feed(feed))
    );
    for status in [Status::Aborting, Status::Succeed, Status::Failed] {
        let refusal = again(&given, &given.definition, Verb::Submit, status).unwrap_err();
        assert_eq!(refusal.to_string(), format!("current status '{status}', cannot sumbmit. FAILURE"));
    }
}

#[test]
fn other_content_is_refused_and_the_first_difference_named() {
    // decision 1, defect S1
    let given = Given::saga(2);
    let difference = |change: fn(&mut Definition)| {
        let mut request = given.definition.clone();
        change(&mut request);
        match again(&given, &request, Verb::Submit, Status::Submitted) {
            Err(Refusal::Different { difference }) => difference,
            other => panic!("{other:?}"),
        }
    };
    fn step(request: &mut Definition) -> &mut dtm_core::model::Step {
        match &mut request.plan {
            Plan::Saga { steps, .. } => &mut steps[1],
            _ => panic!("a saga"),
        }
    }
    assert_eq!(difference(|request| request.plan = Plan::Tcc), "trans_type");
    assert_eq!(difference(|request| request.plan = Given::saga(3).definition.plan), "the number of steps");
    assert_eq!(difference(|request| step(request).action = "http://x".into()), "steps[1].action");
    assert_eq!(difference(|request| step(request).compensate = "http://x".into()), "steps[1].compensate");
    assert_eq!(difference(|request| step(request).payload = Payload::empty()), "payloads[1]");
    let concurrent = |request: &mut Definition| request.plan = Given::concurrent_saga(2, &[]).definition.plan;
    assert_eq!(difference(concurrent), "custom_data");
    assert_eq!(difference(|request| request.options.retry_limit = Some(9)), "retry_limit");
}

#[test]
fn a_submit_that_carries_only_the_gid_is_a_repetition() {
    // decision 1: as far as the request carries them
    let given = Given::message(2);
    let mut request = given.definition.clone();
    request.plan = Plan::Message { steps: Vec::new(), query_prepared: "".into(), delay: None };
    assert!(matches!(again(&given, &request, Verb::Submit, Status::Submitted), Ok(Readmission::Feed(_))));
}

#[test]
fn a_topic_is_compared_by_its_name_whoever_its_subscribers_are_by_now() {
    // decision 1, behaviour 86
    let message = |steps| Plan::Message { steps, query_prepared: "".into(), delay: None };
    let listed = [Step::new("topic://news", "", "1"), Step::new("http://x", "", "2")];
    let expanded = |urls: &[&str]| {
        let subscribers = || Some(urls.iter().map(|&url| url.into()).collect());
        let topics = listed.clone().into_iter();
        fan_out(topics.map(|step| (step.clone(), step.unexpanded_topic().and_then(|_| subscribers()))))
    };
    let given = Given::message(0).planned(|plan| *plan = message(expanded(&["http://a", "http://b"])));
    let asked = |steps: Vec<Step>| {
        let request = Definition { plan: message(steps), ..given.definition.clone() };
        again(&given, &request, Verb::Submit, Status::Submitted)
    };
    let feed = Readmission::Feed(Input::Submitted { amendment: None, end: None });
    assert_eq!(asked(expanded(&["http://c"])), Ok(feed.clone()), "other subscribers");
    assert_eq!(asked(listed.to_vec()), Ok(feed), "none any more");
    let different = |steps| match asked(steps) {
        Err(Refusal::Different { difference }) => difference,
        other => panic!("{other:?}"),
    };
    let [topic, plain] = listed.clone();
    assert_eq!(different(vec![Step::new("topic://new", "", "1"), plain.clone()]), "steps[0].action");
    assert_eq!(different(vec![Step::new("http://a", "", "1"), plain.clone()]), "steps[0].action");
    assert_eq!(different(vec![Step::new("topic://news", "", "3"), plain.clone()]), "payloads[0]");
    assert_eq!(different(vec![topic, Step::new("http://y", "", "2")]), "steps[1].action");
    assert_eq!(different(vec![plain]), "the number of steps");
    let unexpanded = Definition { plan: message(listed.to_vec()), ..given.definition.clone() };
    assert_eq!(admit(&unexpanded, Verb::Submit, &limits()), Err(Refusal::TopicNotFound));
}

#[test]
fn a_workflow_that_ended_is_reported_again_only_in_the_same_way() {
    // decision 1, behaviour 96: the answer to the first report may have been lost
    let given = Given::workflow();
    let mut stored = in_status(&given, Status::Failed);
    (stored.state.result, stored.state.reason) = (Some(String::new()), Some("no mon".to_owned()));
    let report = |succeeded, reason: &str, result: &str| {
        let end = WorkflowEnd { succeeded, reason: reason.to_owned(), result: result.to_owned() };
        readmit(&stored, &given.definition, Some(&end), Verb::Submit)
    };
    assert_eq!(report(false, "no money", ""), Ok(Readmission::Same), "the stored reason is truncated");
    for other in [report(true, "", ""), report(false, "other", ""), report(false, "no money", "eA==")] {
        assert_eq!(other, Err(Refusal::CannotSubmit(Status::Failed)));
    }
}

#[test]
fn another_execution_of_a_workflow_has_the_same_input_or_names_none() {
    // decision 1, behaviour 97
    let given = Given::workflow();
    let execute = |callback: &str, name: &str, data: &str| {
        let plan = Plan::Workflow { callback: callback.into(), name: name.into(), data: data.into() };
        let request = Definition { plan, ..given.definition.clone() };
        again(&given, &request, Verb::Prepare, Status::Prepared)
    };
    for same in [execute("http://resume", "transfer", "input"), execute("http://resume", "transfer", "")] {
        assert_eq!(same, Ok(Readmission::Same));
    }
    for (other, difference) in [
        (execute("http://other", "transfer", "input"), "query_prepared"),
        (execute("http://resume", "other", "input"), "custom_data"),
        (execute("http://resume", "transfer", "other"), "custom_data"),
    ] {
        assert_eq!(other, Err(Refusal::Different { difference: difference.to_owned() }));
    }
}

#[test]
fn a_submit_adds_its_options_and_its_delay_to_what_was_prepared() {
    // behaviour 14, decision 21
    let given = Given::message(1).with(|options| options.request_timeout = seconds(8));
    let mut request = given.definition.clone();
    request.options = Options { retry_interval: seconds(7), ..Options::default() };
    if let Plan::Message { delay, .. } = &mut request.plan {
        *delay = seconds(60);
    }
    let options = Options { retry_interval: seconds(7), request_timeout: seconds(8), ..Options::default() };
    let amendment = Some(Amendment { options, delay: seconds(60) });
    assert_eq!(
        again(&given, &request, Verb::Submit, Status::Prepared),
        Ok(Readmission::Feed(Input::Submitted { amendment, end: None }))
    );
}

#[test]
fn an_option_that_is_zero_changes_nothing_that_was_prepared() {
    let given = Given::message(1).with(|options| options.timeout_to_fail = seconds(60));
    let mut request = given.definition.clone();
    request.options = Options {
        timeout_to_fail: seconds(0),
        retry_interval: seconds(0),
        retry_limit: Some(0),
        request_timeout: seconds(0),
        ..Options::default()
    };
    let feed = Input::Submitted { amendment: None, end: None };
    assert_eq!(again(&given, &request, Verb::Submit, Status::Prepared), Ok(Readmission::Feed(feed.clone())));
    assert_eq!(again(&given, &request, Verb::Submit, Status::Submitted), Ok(Readmission::Feed(feed)));
}

#[test]
fn a_branch_is_registered_while_its_transaction_is_prepared() {
    // behaviour 22, 100
    let given = Given::tcc(1);
    let transaction = given.transaction();
    assert_eq!(register(&transaction, &tcc_branch(1), &limits()), Ok(Registered::New));
    for status in [Status::Submitted, Status::Aborting, Status::Succeed, Status::Failed] {
        let refusal = register(&in_status(&given, status), &tcc_branch(1), &limits()).unwrap_err();
        assert_eq!(refusal.to_string(), "no trans with gid: order-1 status: prepared found FAILURE");
    }
    assert!(register(&transaction, &xa_branch(1), &limits()).is_err(), "a branch of another mode");
}

#[test]
fn registering_again_is_the_same_unless_the_content_differs() {
    // decision 2, defect B19
    let transaction = Given::tcc(1).transaction();
    assert_eq!(register(&transaction, &tcc_branch(0), &limits()), Ok(Registered::Same));
    let mut other = tcc_branch(0);
    if let Registration::Tcc { cancel, .. } = &mut other {
        *cancel = "http://x".into();
    }
    let refusal = register(&transaction, &other, &limits()).unwrap_err();
    assert_eq!(refusal.to_string(), "branch 01 of order-1 is registered already: cancel differs");
    let transaction = Given::xa(1).transaction();
    assert_eq!(register(&transaction, &xa_branch(0), &limits()), Ok(Registered::Same));
}

#[test]
fn a_step_of_a_workflow_is_registered_once() {
    // behaviour 25, decision 2
    let step = |op| Registration::Workflow {
        branch_id: BranchId::parse("01").unwrap(),
        op,
        status: BranchStatus::Succeed,
        data: Payload::empty(),
    };
    let transaction = Given::workflow().registered(vec![step(Op::Action)]).transaction();
    assert!(register(&transaction, &step(Op::Action), &limits()).is_err());
    assert_eq!(register(&transaction, &step(Op::Rollback), &limits()), Ok(Registered::New));
}

#[test]
fn too_many_branches_are_refused() {
    // decision 14
    let transaction = Given::tcc(3).transaction();
    let found = register(&transaction, &tcc_branch(3), &limits());
    assert_eq!(found, Err(Refusal::TooManyBranches { found: 4, limit: 3 }));
    assert_eq!(register(&transaction, &tcc_branch(2), &limits()), Ok(Registered::Same));
}

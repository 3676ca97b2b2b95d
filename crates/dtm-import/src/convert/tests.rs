//! Records of every mode, whole and damaged.

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    BranchIndex, BranchStatus, Definition, Mode, Payload, Plan, Registration, Seconds, Status, Timestamp,
    Transaction,
};
use dtm_proto::http::RequestLimits;

use super::{Rules, convert};
use crate::{BranchRecord, GlobalRecord};

fn global(mode: &str, status: &str) -> GlobalRecord {
    GlobalRecord {
        gid: "g".to_owned(),
        trans_type: mode.to_owned(),
        status: status.to_owned(),
        protocol: "http".to_owned(),
        created: Some(1_000),
        updated: Some(2_000),
        next_try: Some(9_000),
        interval: Some(10),
        options: r#"{"concurrent":false}"#.to_owned(),
        ..GlobalRecord::default()
    }
}

fn row(id: &str, op: &str, status: &str) -> BranchRecord {
    BranchRecord {
        branch_id: id.to_owned(),
        op: op.to_owned(),
        status: status.to_owned(),
        url: format!("http://s/{id}/{}", if op == "commit" || op == "rollback" { "x" } else { op }),
        data: br#"{"a":1}"#.to_vec(),
        ended: (status != "prepared").then_some(1_500),
    }
}

/// `p s p f` and so on: the rows of a saga.
fn saga(statuses: &str) -> Vec<BranchRecord> {
    let name = |letter| match letter {
        "s" => "succeed",
        "f" => "failed",
        _ => "prepared",
    };
    let ops = ["compensate", "action"];
    let rows = statuses.split(' ').enumerate();
    rows.map(|(at, letter)| row(&format!("{:02}", at / 2 + 1), ops[at % 2], name(letter))).collect()
}

fn converted(global: &GlobalRecord, branches: &[BranchRecord]) -> Result<Transaction, String> {
    let callable = |_: &Definition, _: &[Registration]| Ok(());
    let (policy, limits) = (Policy::default(), RequestLimits::default());
    let rules = Rules { policy: &policy, limits: &limits, callable: &callable };
    convert(global, branches, &rules).map_err(|refused| refused.to_string())
}

fn started(transaction: &Transaction, steps: u32) -> Vec<bool> {
    (0..steps).map(|step| transaction.state.progress_of(BranchIndex::new(2 * step + 1)).started).collect()
}

#[test]
fn a_saga_keeps_its_progress_its_due_time_and_its_interval() {
    let record = GlobalRecord { interval: Some(40), ..global("saga", "submitted") };
    let it = converted(&record, &saga("p s p p p p")).unwrap();
    assert_eq!((it.mode(), it.status()), (Mode::Saga, Status::Submitted));
    assert_eq!(it.definition.created_at, Timestamp::from_millis(1_000));
    assert_eq!(it.state.next_retry, Timestamp::from_millis(9_000));
    assert_eq!((it.state.interval, it.state.failures), (Seconds::new(40), 2));
    let first = it.state.progress_of(BranchIndex::new(1));
    assert_eq!((first.status, first.ended_at), (BranchStatus::Succeed, Some(Timestamp::from_millis(1_500))));
    assert_eq!(it.definition.plan.steps()[1].payload, Payload::from(r#"{"a":1}"#));
}

#[test]
fn an_action_may_have_been_called_when_its_predecessors_have_succeeded() {
    // behaviour 63: these are what a roll-back compensates
    let it = converted(&global("saga", "aborting"), &saga("p s p p p p")).unwrap();
    assert_eq!(started(&it, 3), [true, true, false]);
    let orders = GlobalRecord {
        custom_data: r#"{"concurrent":true,"orders":{"2":[0,1]}}"#.to_owned(),
        ..global("saga", "submitted")
    };
    let it = converted(&orders, &saga("p s p p p p")).unwrap();
    assert_eq!(started(&it, 3), [true, true, false]);
    let it = converted(&orders, &saga("p s p s p p")).unwrap();
    assert_eq!(started(&it, 3), [true, true, true]);
}

#[test]
fn where_rows_are_late_any_action_may_have_been_called_but_those_behind_a_refusal() {
    // promise 1: DTM's UpdateBranchSync is 0, and it died within 200 ms of its calls. All that it had done is undone
    let late = |status, custom_data: &str| GlobalRecord {
        branches_are_late: true,
        custom_data: custom_data.to_owned(),
        ..global("saga", status)
    };
    for status in ["aborting", "submitted"] {
        let it = converted(&late(status, ""), &saga("p p p p p p")).unwrap();
        assert_eq!(started(&it, 3), [true, true, true]);
        let it = converted(&late(status, ""), &saga("p s p f p p")).unwrap();
        assert_eq!(started(&it, 3), [true, true, false]);
        let orders = r#"{"concurrent":true,"orders":{"2":[0],"3":[2]}}"#;
        let it = converted(&late(status, orders), &saga("p p p s p p p p")).unwrap();
        assert_eq!(started(&it, 4), [true, true, true, true]);
        let it = converted(&late(status, orders), &saga("p f p p p p p p")).unwrap();
        assert_eq!(started(&it, 4), [true, true, false, false]);
    }
}

#[test]
fn options_and_headers_that_were_passed_on_are_kept() {
    let record = GlobalRecord {
        options: r#"{"timeout_to_fail":7,"request_timeout":5,"retry_interval":20,"retry_limit":3,
            "branch_headers":{"a":"1"},"concurrent":false}"#
            .to_owned(),
        ext_data: r#"{"headers":{"a":"2","b":"3"}}"#.to_owned(),
        ..global("saga", "submitted")
    };
    let options = converted(&record, &saga("p p")).unwrap().definition.options;
    assert_eq!(options.timeout_to_fail, Some(Seconds::new(7)));
    assert_eq!(options.retry_interval, Some(Seconds::new(20)));
    assert_eq!((options.request_timeout, options.retry_limit), (Some(Seconds::new(5)), Some(3)));
    let headers: Vec<_> =
        options.branch_headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(headers, ["a=1", "b=3"]);
}

#[test]
fn tcc_and_xa_branches_are_registrations_and_their_progress_stays() {
    let rows = [
        row("01", "cancel", "prepared"),
        row("01", "confirm", "prepared"),
        row("0101", "cancel", "prepared"),
        row("0101", "confirm", "succeed"),
    ];
    let it = converted(&global("tcc", "submitted"), &rows).unwrap();
    let ids: Vec<_> = it.registrations.iter().map(|branch| branch.branch_id().to_string()).collect();
    assert_eq!(ids, ["01", "0101"]);
    assert_eq!(it.state.progress_of(BranchIndex::new(3)).status, BranchStatus::Succeed);
    let rows = [row("01", "rollback", "succeed"), row("01", "commit", "prepared")];
    let it = converted(&global("xa", "aborting"), &rows).unwrap();
    assert!(matches!(&it.registrations[0], Registration::Xa { url, .. } if &**url == "http://s/01/x"));
}

#[test]
fn a_message_whose_steps_named_topics_keeps_the_ids_of_its_branches() {
    // behaviour 86
    let rows = [
        row("01-01", "action", "succeed"),
        row("01-02", "action", "prepared"),
        row("02", "action", "prepared"),
    ];
    let delayed = GlobalRecord { custom_data: r#"{"delay":60}"#.to_owned(), ..global("msg", "submitted") };
    let it = converted(&delayed, &rows).unwrap();
    assert_eq!(it.delay(), Some(Seconds::new(60)));
    let ids: Vec<_> =
        dtm_core::model::rows(&it).iter().map(|row| format!("{} {}", row.branch_id, row.url)).collect();
    assert_eq!(ids, ["01-01 http://s/01-01/action", "01-02 http://s/01-02/action", "02 http://s/02/action"]);
}

#[test]
fn a_workflow_keeps_its_input_and_its_recorded_steps() {
    let record = GlobalRecord {
        query_prepared: "http://s/callback".to_owned(),
        custom_data: r#"{"name":"transfer","data":"AP8="}"#.to_owned(),
        ..global("workflow", "prepared")
    };
    let failed = BranchRecord { data: vec![0, 255], ..row("02", "action", "failed") };
    let it = converted(&record, &[row("01", "action", "succeed"), failed]).unwrap();
    let Plan::Workflow { name, data, .. } = &it.definition.plan else { panic!("a workflow") };
    assert_eq!((&**name, data.as_bytes()), ("transfer", [0, 255].as_slice()));
    let Registration::Workflow { status, data, .. } = &it.registrations[1] else { panic!("a step") };
    assert_eq!((*status, data.as_bytes()), (BranchStatus::Failed, [0, 255].as_slice()));
}

#[test]
fn a_record_that_makes_no_sense_is_refused_with_its_reason() {
    let saga_record = || global("saga", "submitted");
    let with = |change: fn(&mut GlobalRecord)| {
        let mut record = saga_record();
        change(&mut record);
        converted(&record, &saga("p s p p")).unwrap_err()
    };
    for (refused, reason) in [
        (with(|it| it.trans_type = "sago".to_owned()), "unknown trans_type 'sago'"),
        (with(|it| it.status = "done".to_owned()), "unknown status 'done'"),
        (with(|it| it.status = "prepared".to_owned()), "a saga is never prepared"),
        (with(|it| it.gid = String::new()), "gid is empty"),
        (with(|it| it.protocol = "soap".to_owned()), "unknown protocol 'soap'"),
        (with(|it| it.options = "{".to_owned()), "options cannot be read"),
        (with(|it| it.ext_data = "x".to_owned()), "ext_data cannot be read"),
        (with(|it| it.custom_data = "x".to_owned()), "custom_data"),
        (with(|it| it.created = None), "create_time is empty"),
        (with(|it| it.next_try = None), "next_cron_time is empty"),
        (with(|it| it.interval = Some(-1)), "next_cron_interval is -1"),
        (converted(&saga_record(), &saga("p s p")).unwrap_err(), "branch 02 has one row instead of two"),
        (converted(&saga_record(), &saga("p s f p")).unwrap_err(), "branch 02 compensate is failed"),
        (converted(&saga_record(), &[]).unwrap_err(), "its branches are gone"),
        (converted(&global("tcc", "submitted"), &[]).unwrap_err(), "its branches are gone"),
        (converted(&global("msg", "aborting"), &[]).unwrap_err(), "a msg is never aborting"),
        (converted(&global("workflow", "aborting"), &[]).unwrap_err(), "a workflow is never aborting"),
    ] {
        assert!(refused.contains(reason), "'{refused}' does not say '{reason}'");
    }
}

#[test]
fn a_damaged_row_refuses_its_transaction() {
    // promise: a record that does not decode is never taken for an empty one
    let damaged = |change: fn(&mut Vec<BranchRecord>)| {
        let mut rows = saga("p s p p");
        change(&mut rows);
        converted(&global("saga", "submitted"), &rows).unwrap_err()
    };
    for (refused, reason) in [
        (damaged(|rows| rows[3].op = "act".to_owned()), "found the row '02 act' where '02 action' belongs"),
        (damaged(|rows| rows[2].branch_id = String::new()), "found the row ' compensate'"),
        (damaged(|rows| rows[3].status = "lost".to_owned()), "unknown status 'lost'"),
        (damaged(|rows| rows[3].data = Vec::new()), "branch 02 has two different payloads"),
        (damaged(|rows| rows[3].url = "http://s/\n".to_owned()), "without control characters"),
        (
            damaged(|rows| drop(rows.drain(..2))),
            "found the row '02 compensate' where '01 compensate' belongs",
        ),
    ] {
        assert!(refused.contains(reason), "'{refused}' does not say '{reason}'");
    }
    let mut twice = vec![row("01", "cancel", "prepared"), row("01", "confirm", "prepared")];
    twice.extend_from_within(..);
    assert!(converted(&global("tcc", "prepared"), &twice).unwrap_err().contains("is there twice"));
    let hole = [row("01-01", "action", "prepared"), row("01-03", "action", "prepared")];
    assert!(converted(&global("msg", "submitted"), &hole).unwrap_err().contains("'01-03 action'"));
}

#[test]
fn what_the_server_cannot_call_is_refused() {
    let callable = |_: &Definition, _: &[Registration]| Err("no driver for nacos://".to_owned());
    let (policy, limits) = (Policy::default(), RequestLimits::default());
    let rules = Rules { policy: &policy, limits: &limits, callable: &callable };
    let refused = convert(&global("saga", "submitted"), &saga("p p"), &rules).unwrap_err();
    assert_eq!(refused.to_string(), "no driver for nacos://");
}

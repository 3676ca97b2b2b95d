//! Every record survives its text; whatever is not exactly such a text is refused.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use dtm_core::model::*;

use super::*;
use crate::{Error, Subscriber, Topic};

const GOLDEN_DEFINITION: &str = concat!(
    r#"{"v":1,"gid":"order-1001","protocol":"http","plan":{"saga":{"steps":["#,
    r#"{"action":"http://stock/deduct","compensate":"http://stock/refund","payload":"{\"amount\":30}","branch_id":null},"#,
    r#"{"action":"http://bank/debit","compensate":"","payload":{"base64":"/wAB"},"branch_id":"02-01"}],"#,
    r#""orders":{"1":[0]}}},"options":{"wait_result":true,"timeout_to_fail":60,"retry_interval":null,"retry_limit":3,"#,
    r#""request_timeout":null,"branch_headers":{"x-user":"订单"},"concurrent":false},"#,
    r#""custom_data":"{\"concurrent\":true}","created_at":1700000000123}"#,
);

const GOLDEN_TOPICS: &str = concat!(
    r#"{"v":2,"gid":"news-1","protocol":"http","plan":{"msg":{"steps":["#,
    r#"{"action":"topic://news","compensate":"","payload":"{}","branch_id":null,"subscribers":["http://a","http://b"]},"#,
    r#"{"action":"http://c","compensate":"","payload":"1","branch_id":"02","subscribers":null}],"#,
    r#""query_prepared":"http://q","delay":null}},"options":{"wait_result":false,"timeout_to_fail":null,"#,
    r#""retry_interval":null,"retry_limit":null,"request_timeout":null,"branch_headers":{},"concurrent":false},"#,
    r#""custom_data":"","created_at":1700000000123}"#,
);

const GOLDEN_STATE: &str = concat!(
    r#"{"v":1,"status":"aborting","reason":"no stock","result":null,"row_count":4,"rows":["#,
    r#"{"row":1,"status":"succeed","started":true,"attempts":0,"ended_at":1700000000200},"#,
    r#"{"row":3,"status":"failed","started":true,"attempts":2,"ended_at":1700000000300}],"#,
    r#""starts_recorded":true,"failures":1,"interval":10,"next_retry":1700000010123,"updated_at":1700000000300,"#,
    r#""finished_at":null,"amendment":null}"#,
);

const GOLDEN_REGISTRATION: &str = concat!(
    r#"{"v":1,"branch":{"tcc":{"branch_id":"01","confirm":"http://a/confirm","cancel":"http://a/cancel","#,
    r#""data":"{}"}}}"#,
);

fn golden_definition() -> Definition {
    let mut second = Step::new("http://bank/debit", "", [0xff, 0, 1].as_slice());
    second.branch_id = Some(BranchId::parse("02-01").unwrap());
    Definition {
        gid: Gid::parse("order-1001").unwrap(),
        protocol: Protocol::Http,
        plan: Plan::Saga {
            steps: vec![Step::new("http://stock/deduct", "http://stock/refund", r#"{"amount":30}"#), second],
            ordering: Ordering::concurrent(2, &BTreeMap::from([(1, vec![0])])).unwrap(),
        },
        options: Options {
            wait_result: true,
            timeout_to_fail: Some(Seconds::new(60)),
            retry_limit: Some(3),
            branch_headers: BTreeMap::from([("x-user".to_owned(), "订单".to_owned())]),
            ..Options::default()
        },
        custom_data: r#"{"concurrent":true}"#.to_owned(),
        created_at: Timestamp::from_millis(1_700_000_000_123),
    }
}

fn golden_state() -> State {
    let row = |status, attempts, at| BranchProgress {
        status,
        started: true,
        attempts,
        ended_at: Some(Timestamp::from_millis(at)),
    };
    State {
        status: Status::Aborting,
        reason: Some("no stock".to_owned()),
        result: None,
        progress: vec![
            BranchProgress::UNTOUCHED,
            row(BranchStatus::Succeed, 0, 1_700_000_000_200),
            BranchProgress::UNTOUCHED,
            row(BranchStatus::Failed, 2, 1_700_000_000_300),
        ],
        starts_recorded: true,
        failures: 1,
        interval: Seconds::new(10),
        next_retry: Timestamp::from_millis(1_700_000_010_123),
        updated_at: Timestamp::from_millis(1_700_000_000_300),
        finished_at: None,
        amendment: None,
    }
}

#[test]
fn the_documents_of_a_saga_are_these_texts() {
    // Stored data has to stay readable: a change here needs a new version and code that reads the old one.
    assert_eq!(encode_definition(&golden_definition()).unwrap(), GOLDEN_DEFINITION);
    assert_eq!(decode_definition(GOLDEN_DEFINITION).unwrap(), golden_definition());
    assert_eq!(encode_state(&golden_state()).unwrap(), GOLDEN_STATE);
    assert_eq!(decode_state(GOLDEN_STATE).unwrap(), golden_state());
    let branch = Registration::Tcc {
        branch_id: BranchId::parse("01").unwrap(),
        confirm: "http://a/confirm".into(),
        cancel: "http://a/cancel".into(),
        data: "{}".into(),
    };
    assert_eq!(encode_registration(&branch).unwrap(), GOLDEN_REGISTRATION);
    assert_eq!(decode_registration(GOLDEN_REGISTRATION).unwrap(), branch);
}

#[test]
fn a_message_to_a_topic_is_written_as_it_was_listed_with_its_subscribers_and_each_payload_once() {
    // behaviour 86, decision 1. As above: a change here needs a new version.
    let listed = [
        (Step::new("topic://news", "", "{}"), Some(vec!["http://a".into(), "http://b".into()])),
        (Step::new("http://c", "", "1"), None),
    ];
    let definition = Definition {
        gid: Gid::parse("news-1").unwrap(),
        plan: Plan::Message { steps: fan_out(listed), query_prepared: "http://q".into(), delay: None },
        options: Options::default(),
        custom_data: String::new(),
        ..golden_definition()
    };
    assert_eq!(encode_definition(&definition).unwrap(), GOLDEN_TOPICS);
    assert_eq!(decode_definition(GOLDEN_TOPICS).unwrap(), definition);
    for (from, to) in [
        ("\"v\":2", "\"v\":1"),
        ("\"v\":2", "\"v\":3"),
        (",\"subscribers\":null", ""),
        ("[\"http://a\",\"http://b\"]", "[]"),
        ("topic://news", "http://news"),
        ("\"subscribers\":null", "\"subscribers\":[\"http://a\"]"),
    ] {
        assert!(decode_definition(&GOLDEN_TOPICS.replacen(from, to, 1)).is_err(), "{from} -> {to}");
    }
    let newer = decode_definition(&GOLDEN_TOPICS.replacen("\"v\":2", "\"v\":3", 1)).unwrap_err();
    assert!(newer.detail.contains("version 3"), "{newer}");
}

#[test]
fn a_missing_an_unknown_and_a_doubled_field_are_refused_wherever_they_are() {
    // trap 7 of style.md: a record that does not parse is never treated as empty
    let fields = [
        "v",
        "status",
        "reason",
        "result",
        "row_count",
        "rows",
        "starts_recorded",
        "failures",
        "interval",
        "next_retry",
        "updated_at",
        "finished_at",
        "amendment",
    ];
    let whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOLDEN_STATE).unwrap();
    assert_eq!(whole.len(), fields.len());
    for field in fields {
        let mut without = whole.clone();
        without.remove(field);
        let error = decode_state(&serde_json::to_string(&without).unwrap()).unwrap_err();
        assert!(error.detail.contains(field), "{field}: {error}");
    }
    let unknown = GOLDEN_STATE.replacen("\"reason\"", "\"colour\":1,\"reason\"", 1);
    assert!(decode_state(&unknown).unwrap_err().detail.contains("unknown field `colour`"));
    let doubled = GOLDEN_STATE.replacen("\"failures\":1", "\"failures\":1,\"failures\":2", 1);
    assert!(decode_state(&doubled).unwrap_err().detail.contains("duplicate field `failures`"));
    for field in ["gid", "protocol", "plan", "options", "custom_data", "created_at", "orders", "branch_id"] {
        let renamed = GOLDEN_DEFINITION.replacen(&format!("\"{field}\":"), "\"other\":", 1);
        assert!(decode_definition(&renamed).is_err(), "{field}");
    }
}

#[test]
fn an_unknown_version_is_refused_by_its_number() {
    for text in
        [GOLDEN_STATE.replacen("\"v\":1", "\"v\":2", 1), r#"{"v":2,"everything":"is different"}"#.to_owned()]
    {
        let error = decode_state(&text).unwrap_err();
        assert!(error.detail.contains("version 2"), "{error}");
    }
}

#[test]
fn trailing_text_and_half_a_record_are_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        &GOLDEN_STATE[..100],
        &format!("{GOLDEN_STATE}x"),
        &format!("{GOLDEN_STATE}{{}}"),
    ] {
        assert!(decode_state(text).is_err(), "{text}");
    }
}

#[test]
fn unknown_names_and_impossible_values_are_refused() {
    let state = |from: &str, to: &str| {
        assert!(GOLDEN_STATE.contains(from), "{from}");
        decode_state(&GOLDEN_STATE.replacen(from, to, 1))
    };
    assert!(state("aborting", "abborting").is_err());
    assert!(state("\"status\":\"failed\"", "\"status\":\"lost\"").is_err());
    assert!(state("\"row\":3", "\"row\":4").is_err(), "beyond the row count");
    assert!(state("\"row\":3", "\"row\":1").is_err(), "the same row twice");
    assert!(state("\"row_count\":4", "\"row_count\":4000000000").is_err(), "memory");
    assert!(state("\"interval\":10", "\"interval\":-1").is_err());
    let definition = |from: &str, to: &str| {
        assert!(GOLDEN_DEFINITION.contains(from), "{from}");
        decode_definition(&GOLDEN_DEFINITION.replacen(from, to, 1))
    };
    assert!(definition("\"http\"", "\"\"").is_err(), "no protocol is not http");
    assert!(definition("\"saga\"", "\"sagas\"").is_err());
    assert!(definition("/wAB", "/w=B").is_err());
    assert!(definition("{\"1\":[0]}", "{\"1\":[1]}").is_err(), "a cycle");
    assert!(definition("{\"1\":[0]}", "{\"1\":[7]}").is_err(), "an unknown step");
    assert!(definition("order-1001", "").is_err(), "an empty gid");
    assert!(decode_registration(&GOLDEN_REGISTRATION.replacen("tcc", "tccc", 1)).is_err());
}

#[test]
fn an_error_names_the_gid_and_never_shows_a_payload() {
    // decision 24
    let secret = GOLDEN_DEFINITION.replacen("\"payload\":\"{\\\"amount\\\":30}\"", "\"payload\":4711", 1);
    let error = decode_definition(&secret).unwrap_err();
    assert!(!error.to_string().contains("4711"), "{error}");
    let Error::Damaged { gid, .. } = error.damaged(&Gid::parse("g").unwrap()) else { panic!() };
    assert_eq!(gid.as_str(), "g");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", any::<String>()]
}

fn bytes() -> impl Strategy<Value = Payload> {
    prop_oneof![text().prop_map(Payload::from), vec(any::<u8>(), 0..24).prop_map(Payload::from)]
}

fn branch_id() -> impl Strategy<Value = BranchId> {
    "[0-9a-z\\-订\"\\\\]{1,12}".prop_map(|text| BranchId::parse(&text).unwrap())
}

fn seconds() -> impl Strategy<Value = Seconds> {
    any::<u32>().prop_map(Seconds::new)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn options() -> impl Strategy<Value = Options> {
    (
        any::<(bool, bool)>(),
        option::of(seconds()),
        option::of(seconds()),
        option::of(any::<u32>()),
        option::of(seconds()),
        btree_map(text(), text(), 0..3),
    )
        .prop_map(
            |(
                (wait_result, concurrent),
                timeout_to_fail,
                retry_interval,
                retry_limit,
                request_timeout,
                headers,
            )| {
                Options {
                    wait_result,
                    timeout_to_fail,
                    retry_interval,
                    retry_limit,
                    request_timeout,
                    branch_headers: headers,
                    concurrent,
                }
            },
        )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (text(), text(), bytes(), option::of(branch_id())).prop_map(
        |(action, compensate, payload, branch_id)| Step {
            action: action.into(),
            compensate: compensate.into(),
            payload,
            branch_id,
            subscription: None,
        },
    );
    vec(step, 0..6)
}

/// Steps of which some name a topic.
fn steps_with_topics() -> impl Strategy<Value = Vec<Step>> {
    let topic = (text(), bytes(), vec(text(), 1..4)).prop_map(|(topic, payload, urls)| {
        let urls = urls.into_iter().map(Into::into).collect();
        (Step::new(&format!("topic://{topic}"), "", payload), Some(urls))
    });
    let plain = (text(), bytes()).prop_map(|(url, payload)| (Step::new(&url, "", payload), None));
    vec(prop_oneof![topic, plain], 0..6).prop_map(fan_out)
}

/// Any order without a cycle: a step waits for steps before it.
fn ordering(steps: usize, seeds: &[(u64, u64)]) -> Ordering {
    let mut orders: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (a, b) in seeds {
        let (a, b) = (a % steps as u64, b % steps as u64);
        if a != b {
            orders.entry(a.max(b)).or_default().push(a.min(b));
        }
    }
    Ordering::concurrent(steps, &orders).unwrap()
}

fn plan() -> impl Strategy<Value = Plan> {
    let saga = (steps(), option::of(vec(any::<(u64, u64)>(), 0..6))).prop_map(|(steps, seeds)| {
        let ordering = match seeds {
            Some(seeds) if !steps.is_empty() => ordering(steps.len(), &seeds),
            Some(_) | None => Ordering::Sequential,
        };
        Plan::Saga { steps, ordering }
    });
    let message = (prop_oneof![steps(), steps_with_topics()], text(), option::of(seconds())).prop_map(
        |(steps, query_prepared, delay)| Plan::Message {
            steps,
            query_prepared: query_prepared.into(),
            delay,
        },
    );
    let workflow = (text(), text(), bytes()).prop_map(|(callback, name, data)| Plan::Workflow {
        callback: callback.into(),
        name: name.into(),
        data,
    });
    prop_oneof![saga, message, Just(Plan::Tcc), Just(Plan::Xa), workflow]
}

prop_compose! {
    fn definition()(
        gid in "[a-z0-9 /\"'\\\\订-]{1,40}",
        protocol in proptest::sample::select(vec![Protocol::Http, Protocol::Grpc, Protocol::JsonRpc]),
        plan in plan(),
        options in options(),
        custom_data in text(),
        created_at in timestamp(),
    ) -> Definition {
        Definition { gid: Gid::parse(&gid).unwrap(), protocol, plan, options, custom_data, created_at }
    }
}

fn branch_status() -> impl Strategy<Value = BranchStatus> {
    proptest::sample::select(vec![BranchStatus::Prepared, BranchStatus::Succeed, BranchStatus::Failed])
}

prop_compose! {
    fn row()(
        status in branch_status(),
        started in any::<bool>(),
        attempts in 0..3_u32,
        ended_at in option::of(timestamp()),
    ) -> BranchProgress {
        BranchProgress { status, started, attempts, ended_at }
    }
}

prop_compose! {
    fn state()(
        status in proptest::sample::select(Status::ALL.to_vec()),
        (reason, result) in (option::of(text()), option::of(text())),
        progress in vec(prop_oneof![Just(BranchProgress::UNTOUCHED), row()], 0..8),
        starts_recorded in any::<bool>(),
        failures in any::<u32>(),
        interval in seconds(),
        (next_retry, updated_at, finished_at) in (timestamp(), timestamp(), option::of(timestamp())),
        amendment in option::of((options(), option::of(seconds()))),
    ) -> State {
        let amendment = amendment.map(|(options, delay)| Amendment { options, delay });
        State {
            status, reason, result, progress, starts_recorded, failures, interval, next_retry, updated_at,
            finished_at, amendment,
        }
    }
}

fn registration() -> impl Strategy<Value = Registration> {
    let tcc = (branch_id(), text(), text(), bytes()).prop_map(|(branch_id, confirm, cancel, data)| {
        Registration::Tcc { branch_id, confirm: confirm.into(), cancel: cancel.into(), data }
    });
    let xa = (branch_id(), text(), bytes()).prop_map(|(branch_id, url, data)| Registration::Xa {
        branch_id,
        url: url.into(),
        data,
    });
    let workflow = (branch_id(), proptest::sample::select(Op::ALL.to_vec()), branch_status(), bytes())
        .prop_map(|(branch_id, op, status, data)| Registration::Workflow { branch_id, op, status, data });
    prop_oneof![tcc, xa, workflow]
}

proptest! {
    #[test]
    fn every_definition_survives_its_text(definition in definition()) {
        let text = encode_definition(&definition).unwrap();
        prop_assert_eq!(decode_definition(&text).unwrap(), definition);
    }

    #[test]
    fn every_state_survives_its_text(state in state()) {
        prop_assert_eq!(decode_state(&encode_state(&state).unwrap()).unwrap(), state);
    }

    #[test]
    fn every_registration_survives_its_text(registration in registration()) {
        prop_assert_eq!(decode_registration(&encode_registration(&registration).unwrap()).unwrap(), registration);
    }

    #[test]
    fn every_topic_survives_its_text(
        name in text(), pairs in vec((text(), text()), 0..4), version in any::<u64>(),
        created_at in timestamp(), updated_at in timestamp(),
    ) {
        let subscribers = pairs.into_iter().map(|(url, remark)| Subscriber { url, remark }).collect();
        let topic = Topic { name, subscribers, version, created_at, updated_at };
        prop_assert_eq!(decode_topic(&encode_topic(&topic).unwrap()).unwrap(), topic);
    }
}

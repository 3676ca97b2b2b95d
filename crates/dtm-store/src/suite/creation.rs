//! Promises about create and load.

use std::collections::BTreeMap;
use std::sync::Arc;

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    Amendment, BranchId, BranchProgress, BranchStatus, Gid, Mode, Options, Ordering, Payload, Plan, Seconds,
    Status, Step, Timestamp, Transaction,
};

use super::StoreUnderTest;
use super::fixtures::{
    SOON, at_once, branch, commit_of, create_held, definition, eight, gid, held, join, load, register, saga,
    saga_plan, tcc,
};
use crate::{Error, Expect, NewOwner, NewTransaction, Stored};

/// A created transaction is loaded as it was, whatever its mode.
pub async fn a_created_transaction_is_loaded_as_it_was(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let ordering = Ordering::concurrent(2, &BTreeMap::from([(1, vec![0])])).unwrap();
    let Plan::Saga { steps, .. } = saga_plan() else { panic!("it is a saga") };
    let plans = [
        saga_plan(),
        Plan::Saga { steps: steps.clone(), ordering },
        Plan::Saga { steps: Vec::new(), ordering: Ordering::Sequential },
        Plan::Message { steps, query_prepared: "http://a/query".into(), delay: Some(Seconds::new(5)) },
        Plan::Tcc,
        Plan::Xa,
        Plan::Workflow { callback: "http://a/resume".into(), name: "transfer".into(), data: "in".into() },
    ];
    for (index, plan) in plans.into_iter().enumerate() {
        let mut definition = definition(&format!("t{index}"), plan, now);
        definition.options = Options {
            wait_result: true,
            timeout_to_fail: Some(Seconds::new(60)),
            retry_limit: Some(0),
            branch_headers: BTreeMap::from([("x-user".to_owned(), "订单 \"1\"".to_owned())]),
            ..Options::default()
        };
        definition.custom_data = r#"{"orders":{"1":[0]}}"#.to_owned();
        let transaction = match definition.plan.mode() {
            Mode::Saga => Transaction::submitted(definition, &Policy::default()),
            Mode::Tcc | Mode::Xa | Mode::Message | Mode::Workflow => {
                Transaction::prepared(definition, &Policy::default())
            }
        };
        let token = create_held(under_test, transaction.clone(), &tokens).await;
        let expected = Stored { transaction, owner: held(token), due: Some(now.plus(SOON)) };
        assert_eq!(load(&*store, &format!("t{index}")).await, expected);
    }
}

/// A gid is taken once, whatever the content of the second request.
pub async fn a_second_creation_is_refused_and_changes_nothing(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    create_held(under_test, saga("g", now), &tokens).await;
    let before = load(&*store, "g").await;
    for second in [saga("g", now), tcc("g", now)] {
        let new = NewTransaction { transaction: second, owner: held(tokens.fresh()), due: now };
        let result = store.create(new).await;
        assert!(matches!(result, Err(Error::AlreadyExists(_))), "{result:?}");
        assert_eq!(load(&*store, "g").await, before);
    }
}

/// Of several creations of one gid at the same moment exactly one succeeds (defect B22).
pub async fn of_eight_creations_of_one_gid_at_once_one_wins(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = Arc::new(join(&*store, "a").await);
    for round in 0..20 {
        let id = format!("g{round}");
        let results = at_once(eight(&store).map(|store| {
            let owner = held(tokens.fresh());
            let new = NewTransaction { transaction: saga(&id, now), owner: owner.clone(), due: now };
            async move { store.create(new).await.map(|()| owner) }
        }))
        .await;
        let winners: Vec<_> = results.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let refused = |result: &Result<_, Error>| matches!(result, Err(Error::AlreadyExists(_)));
        assert_eq!(results.iter().filter(|result| refused(result)).count(), 7, "{results:?}");
        assert_eq!(&load(&*store, &id).await.owner, winners[0]);
    }
}

/// Defect B20: a gid that begins with another one hides none of its branches.
pub async fn gids_that_are_prefixes_of_one_another_keep_their_branches(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let ids =
        ["order-47", "order-4", "order-470", "order-47 ", "order-47-", "order-47/01", "order-4701", "order"];
    for id in ids {
        create_held(under_test, tcc(id, now), &tokens).await;
    }
    for count in 0..3 {
        for id in ids {
            let new = branch(&format!("{}{count}", id.len()));
            register(&*store, id, count, &[new]).await.unwrap();
        }
    }
    for id in ids {
        let expected: Vec<_> = (0..3).map(|count| branch(&format!("{}{count}", id.len()))).collect();
        assert_eq!(load(&*store, id).await.transaction.registrations, expected, "{id:?}");
    }
    assert!(store.load(&gid("order-")).await.unwrap().is_none());
}

/// Upper and lower case, trailing spaces and accents make different gids.
pub async fn gids_that_only_look_alike_are_different_transactions(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    for id in ["order", "ORDER", "order ", " order", "ordér", "order\u{200b}"] {
        create_held(under_test, saga(id, now), &tokens).await;
    }
    for id in ["order", "ORDER", "order ", " order", "ordér", "order\u{200b}"] {
        assert_eq!(load(&*store, id).await.transaction, saga(id, now));
    }
}

/// Any gid that is one works (behaviour 9).
pub async fn a_gid_with_spaces_slashes_quotes_or_unicode_works(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let longest = "x".repeat(Gid::MAX_BYTES);
    let ids = ["a b", "a/b?c=d&e", "it's \"quoted\" \\ `x`", "订单-1", "🚀", "%_*", "a:b:1", "{g}", &longest];
    for id in ids {
        create_held(under_test, saga(id, now), &tokens).await;
        let stored = load(&*store, id).await;
        assert_eq!(stored.transaction, saga(id, now));
        store.commit(commit_of(&stored, |state| state.failures = 7)).await.unwrap();
        assert_eq!(load(&*store, id).await.transaction.state.failures, 7);
    }
}

/// What nobody created is absent, and cannot be changed.
pub async fn a_gid_that_nobody_created_is_absent(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    assert!(store.load(&gid("g")).await.unwrap().is_none());
    let commit = crate::Commit {
        gid: gid("g"),
        expect: Expect { status: Status::Submitted, owner: tokens.fresh(), registered: 0 },
        state: saga("g", now).state,
        owner: NewOwner::Keep,
        due: Some(now),
    };
    let result = store.commit(commit).await;
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    let result = store.register_branches(&gid("g"), &tokens.fresh(), 0, vec![branch("01")]).await;
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    assert!(store.load(&gid("g")).await.unwrap().is_none());
}

/// A transaction begins unfinished and without branches.
pub async fn a_transaction_that_is_finished_or_has_branches_cannot_be_created(
    under_test: &mut impl StoreUnderTest,
) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let mut finished = saga("g", now);
    finished.state.status = Status::Failed;
    let mut registered = tcc("g", now);
    registered.registrations.push(branch("01"));
    for transaction in [finished, registered] {
        let new = NewTransaction { transaction, owner: held(tokens.fresh()), due: now };
        let result = store.create(new).await;
        assert!(matches!(result, Err(Error::Rejected { .. })), "{result:?}");
        assert!(store.load(&gid("g")).await.unwrap().is_none());
    }
}

/// No column cuts anything (defect B11).
pub async fn a_payload_of_one_megabyte_survives(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let text: String = (0..1 << 20).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect();
    let bytes: Vec<u8> = (0..1 << 20).map(|n| u8::try_from(n % 256).unwrap()).collect();
    for (id, payload) in [("text", Payload::from(text)), ("bytes", Payload::from(bytes))] {
        let plan = Plan::Saga {
            steps: vec![Step::new("http://a", "http://b", payload.as_bytes())],
            ordering: Ordering::Sequential,
        };
        let transaction = Transaction::submitted(definition(id, plan, now), &Policy::default());
        create_held(under_test, transaction.clone(), &tokens).await;
        assert!(load(&*store, id).await.transaction == transaction, "{id}");
        let stored = load(&*store, id).await;
        store.commit(commit_of(&stored, |state| state.failures = 1)).await.unwrap();
    }
    under_test.reopen().await;
    let store = under_test.store();
    for id in ["text", "bytes"] {
        let stored = load(&*store, id).await;
        assert_eq!(stored.transaction.state.failures, 1);
        assert_eq!(stored.transaction.definition.plan.steps()[0].payload.as_bytes().len(), 1 << 20);
    }
}

/// A payload comes back byte for byte.
pub async fn bytes_that_are_no_text_survive(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let payloads =
        [&[0xff_u8, 0xfe, 0, 1][..], b"\0", b"a\0b", b"{\"base64\":\"/w==\"}", b"\r\n\t", b"\xef\xbb\xbf"];
    let steps = payloads.iter().map(|payload| Step::new("http://a", "", *payload)).collect();
    let plan = Plan::Saga { steps, ordering: Ordering::Sequential };
    let transaction = Transaction::submitted(definition("g", plan, now), &Policy::default());
    create_held(under_test, transaction, &tokens).await;
    let stored = load(&*store, "g").await;
    for (step, payload) in stored.transaction.definition.plan.steps().iter().zip(payloads) {
        assert_eq!(step.payload.as_bytes(), payload);
    }
}

/// An empty text is not an absent one, zero is not nothing, an untouched row is not a missing one.
pub async fn empty_and_absent_stay_different(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let mut with_id = Step::new("", "", "");
    with_id.branch_id = Some(BranchId::parse("01-01").unwrap());
    let plan = Plan::Message {
        steps: vec![Step::new("", "", ""), with_id],
        query_prepared: "".into(),
        delay: Some(Seconds::new(0)),
    };
    let mut definition = definition("g", plan, now);
    definition.options.retry_limit = Some(0);
    let transaction = Transaction::prepared(definition, &Policy::default());
    create_held(under_test, transaction.clone(), &tokens).await;
    let stored = load(&*store, "g").await;
    assert_eq!(stored.transaction, transaction);

    let commit = commit_of(&stored, |state| {
        state.reason = Some(String::new());
        state.result = None;
        state.starts_recorded = !state.starts_recorded;
        state.progress = vec![
            BranchProgress::UNTOUCHED,
            BranchProgress {
                status: BranchStatus::Prepared,
                started: true,
                attempts: 3,
                ended_at: Some(Timestamp::from_millis(0)),
            },
            BranchProgress::UNTOUCHED,
        ];
        state.amendment = Some(Amendment { options: Options::default(), delay: None });
    });
    store.commit(commit.clone()).await.unwrap();
    assert_eq!(load(&*store, "g").await.transaction.state, commit.state);
}

/// Many callers at once share batches, and none of them is forgotten.
pub async fn ten_thousand_creations_at_once_are_all_there(under_test: &mut impl StoreUnderTest) {
    let (store, now) = (under_test.store(), under_test.now());
    let tokens = join(&*store, "a").await;
    let results = at_once((0..10_000).map(|index| {
        let store = Arc::clone(&store);
        let new = NewTransaction {
            transaction: saga(&format!("g{index}"), now),
            owner: held(tokens.fresh()),
            due: now,
        };
        async move { store.create(new).await }
    }))
    .await;
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    for index in 0..10_000 {
        let id = format!("g{index}");
        assert_eq!(load(&*store, &id).await.transaction.gid().as_str(), id);
    }
}

//! Transactions for the cases.

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    Definition, Gid, Options, Ordering, Payload, Plan, Protocol, Seconds, Status, Step, Transaction,
};
use dtm_store::{Commit, Expect, NewOwner, NewTransaction, NodeName, NodeStore as _, Ownership, TokenSource};
use dtm_store_redis::RedisStore;
use dtm_testkit::START;

pub(crate) fn gid(text: &str) -> Gid {
    Gid::parse(text).unwrap()
}

pub(crate) async fn join(store: &RedisStore, name: &str) -> TokenSource {
    let node = NodeName::parse(name).unwrap();
    let epoch = store.join(&node).await.unwrap();
    TokenSource::new(node, epoch)
}

/// A saga of two steps that its creator drives, or that nobody drives and that has been due for long.
pub(crate) fn saga(id: &str, tokens: &TokenSource, held: bool) -> NewTransaction {
    let payload: Payload = r#"{"amount":30}"#.into();
    let step = |host: &str, action: &str, compensate: &str| {
        let url = |operation: &str| format!("http://127.0.0.1:8081/{host}/{operation}");
        Step::new(&url(action), &url(compensate), payload.clone())
    };
    let steps = vec![step("stock", "deduct", "refund"), step("bank", "debit", "credit")];
    let definition = Definition {
        gid: gid(id),
        protocol: Protocol::Http,
        plan: Plan::Saga { steps, ordering: Ordering::Sequential },
        options: Options::default(),
        custom_data: String::new(),
        created_at: START,
    };
    NewTransaction {
        transaction: Transaction::submitted(definition, &Policy::default()),
        owner: Ownership { token: tokens.fresh(), held },
        due: START.plus(Seconds::new(10)),
    }
}

/// The write that ends what [`saga`] has made.
pub(crate) fn finish(new: &NewTransaction) -> Commit {
    let mut state = new.transaction.state.clone();
    state.status = Status::Succeed;
    state.finished_at = Some(START);
    Commit {
        gid: new.transaction.gid().clone(),
        expect: Expect { status: Status::Submitted, owner: new.owner.token.clone(), registered: 0 },
        state,
        owner: NewOwner::Keep,
        due: None,
    }
}

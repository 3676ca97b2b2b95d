//! Prepared transactions that this server has just written, so that what their client does next needs no read.
//!
//! A copy may be out of date: another server may have changed the transaction meanwhile. So it is only good for
//! a write, which names what the copy says and changes nothing if that is not so any more; then the transaction
//! is read. Whatever is answered without a write is never answered from a copy.

use std::collections::HashMap;

use parking_lot::Mutex;

use dtm_core::model::{Gid, Plan, Registration, Status, Step, Transaction};
use dtm_store::Stored;

/// Copies of prepared transactions, a bounded number of small ones.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Generations>);

/// When the young ones are many, they become the old ones, and the old ones are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Gid, Stored>,
    old: HashMap<Gid, Stored>,
}

impl Recent {
    /// Remembers what is stored now, if it is prepared, not held by anybody, and small.
    pub(super) fn note(&self, stored: Stored) {
        let transaction = &stored.transaction;
        if transaction.status() != Status::Prepared || stored.owner.held || weight(transaction) > BYTES_MAX {
            return;
        }
        let mut generations = self.0.lock();
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(stored.transaction.gid().clone(), stored);
    }

    /// Takes the copy out: whoever writes with it puts the new one back.
    pub(super) fn take(&self, gid: &Gid) -> Option<Stored> {
        let mut generations = self.0.lock();
        let old = generations.old.remove(gid);
        generations.young.remove(gid).or(old)
    }
}

/// About how many bytes a transaction holds.
fn weight(transaction: &Transaction) -> usize {
    let definition = &transaction.definition;
    let plan = match &definition.plan {
        Plan::Message { query_prepared, .. } => query_prepared.len(),
        Plan::Workflow { callback, name, data } => callback.len() + name.len() + data.as_bytes().len(),
        Plan::Saga { .. } | Plan::Tcc | Plan::Xa => 0,
    };
    let steps = definition.plan.steps().iter().map(weight_of_step);
    let registrations = transaction.registrations.iter().map(weight_of_branch);
    let headers = definition.options.branch_headers.iter();
    let headers = headers.map(|(name, value)| PART + name.len() + value.len());
    definition.custom_data.len()
        + plan
        + steps.sum::<usize>()
        + registrations.sum::<usize>()
        + headers.sum::<usize>()
}

fn weight_of_step(step: &Step) -> usize {
    PART + step.action.len() + step.compensate.len() + step.payload.as_bytes().len()
}

fn weight_of_branch(registration: &Registration) -> usize {
    let own = match registration {
        Registration::Tcc { confirm, cancel, data, .. } => {
            confirm.len() + cancel.len() + data.as_bytes().len()
        }
        Registration::Xa { url, data, .. } => url.len() + data.as_bytes().len(),
        Registration::Workflow { data, .. } => data.as_bytes().len(),
    };
    PART + registration.branch_id().as_str().len() + own
}

/// The largest transaction that is remembered, in bytes.
const BYTES_MAX: usize = 4_096;
/// How many are remembered at least, and half of how many at most.
const GENERATION: usize = 2_048;
/// What a step, branch or header takes beside its texts.
const PART: usize = 100;

#[cfg(test)]
mod tests {
    use dtm_core::coordinator::Policy;
    use dtm_core::model::{BranchId, Definition, Options, Payload, Protocol, Timestamp};
    use dtm_store::{Epoch, NodeName, Ownership, TokenSource};

    use super::*;

    fn stored(gid: &str, plan: Plan) -> Stored {
        let definition = Definition {
            gid: Gid::parse(gid).unwrap(),
            protocol: Protocol::Http,
            plan,
            options: Options::default(),
            custom_data: String::new(),
            created_at: Timestamp::from_millis(0),
        };
        let token = TokenSource::new(NodeName::parse("a").unwrap(), Epoch(1)).fresh();
        let transaction = Transaction::prepared(definition, &Policy::default());
        Stored { transaction, owner: Ownership { token, held: false }, due: None }
    }

    fn is_kept(stored: Stored) -> bool {
        let (recent, gid) = (Recent::default(), stored.transaction.gid().clone());
        recent.note(stored);
        recent.take(&gid).is_some()
    }

    #[test]
    fn a_small_one_is_remembered_once_and_the_number_is_bounded() {
        let recent = Recent::default();
        for number in 0..10 * GENERATION {
            recent.note(stored(&number.to_string(), Plan::Tcc));
        }
        let kept = {
            let it = recent.0.lock();
            it.young.len() + it.old.len()
        };
        assert!((GENERATION..=2 * GENERATION).contains(&kept), "{kept}");
        let last = Gid::parse(&(10 * GENERATION - 1).to_string()).unwrap();
        assert!(recent.take(&last).is_some());
        assert!(recent.take(&last).is_none());
    }

    #[test]
    fn whatever_makes_it_large_counts() {
        let text = "x".repeat(BYTES_MAX + 1);
        let workflow = |callback: &str, data: &str| Plan::Workflow {
            callback: callback.into(),
            name: "".into(),
            data: data.into(),
        };
        let message = |action: &str, query_prepared: &str| Plan::Message {
            steps: vec![Step::new(action, "", "")],
            query_prepared: query_prepared.into(),
            delay: None,
        };
        assert!(is_kept(stored("g", workflow("", ""))) && is_kept(stored("g", message("", ""))));
        for plan in [workflow("", &text), workflow(&text, ""), message(&text, ""), message("", &text)] {
            assert!(!is_kept(stored("g", plan.clone())), "{plan:.40?}");
        }
        let mut many = stored("g", Plan::Xa);
        let branch = |number: usize| Registration::Xa {
            branch_id: BranchId::parse(&number.to_string()).unwrap(),
            url: "".into(),
            data: Payload::empty(),
        };
        many.transaction.registrations.extend((0..1_000).map(branch));
        assert!(!is_kept(many), "a thousand branches without a text");
    }
}

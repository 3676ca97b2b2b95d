//! Prepared transactions that this server has just written, so that what their client does next needs no read.
//!
//! A copy may be out of date: another server may have changed the transaction meanwhile. So it is only good for
//! a write, which names what the copy says and changes nothing if that is not so any more; then the transaction
//! is read. Whatever is answered without a write is never answered from a copy.

use std::collections::HashMap;

use parking_lot::Mutex;

use dtm_core::model::{Gid, Registration, Status, Transaction};
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
    let steps = definition.plan.steps().iter();
    let steps: usize =
        steps.map(|step| step.action.len() + step.compensate.len() + step.payload.as_bytes().len()).sum();
    let registrations: usize = transaction.registrations.iter().map(weight_of_branch).sum();
    let headers = definition.options.branch_headers.iter().map(|(name, value)| name.len() + value.len());
    definition.custom_data.len() + steps + registrations + headers.sum::<usize>()
}

fn weight_of_branch(registration: &Registration) -> usize {
    match registration {
        Registration::Tcc { confirm, cancel, data, .. } => {
            confirm.len() + cancel.len() + data.as_bytes().len()
        }
        Registration::Xa { url, data, .. } => url.len() + data.as_bytes().len(),
        Registration::Workflow { data, .. } => data.as_bytes().len(),
    }
}

/// The largest transaction that is remembered, in bytes.
const BYTES_MAX: usize = 4_096;
/// How many are remembered at least, and half of how many at most.
const GENERATION: usize = 2_048;

//! Prepared transactions that this server has just written, so that what their client does next needs no read.
//!
//! A copy may be out of date: another server may have changed the transaction meanwhile. So it is only good for
//! a write, which names what the copy says and changes nothing if that is not so any more; then the transaction
//! is read. Whatever is answered without a write is never answered from a copy.

use std::collections::HashMap;

use parking_lot::Mutex;

use dtm_core::coordinator::{Limits, Refusal, Registered, register};
use dtm_core::model::{Definition, Gid, Plan, Registration, Status, Step, Transaction};
use dtm_store::{OwnerToken, Stored};

use super::outline::Outline;

/// Copies of prepared transactions, of a bounded size together.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Generations>);

/// When the young ones are many, they become the old ones, and the old ones are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Gid, Copy>,
    young_bytes: usize,
    old: HashMap<Gid, Copy>,
}

#[derive(Debug)]
struct Copy {
    known: Known,
    bytes: usize,
}

/// What is known of a prepared transaction.
#[derive(Debug)]
pub(super) enum Known {
    /// Everything.
    Whole(Box<Stored>),
    /// What it takes to append a branch. A large one is kept so: what recording the next step of a workflow costs does not
    /// depend on how many there are.
    Outline(Box<Outline>),
}

impl Known {
    fn gid(&self) -> &Gid {
        match self {
            Self::Whole(stored) => stored.transaction.gid(),
            Self::Outline(outline) => &outline.definition().gid,
        }
    }

    /// Whether a branch is certainly new and can be appended.
    pub(super) fn takes(
        &self,
        registration: &Registration,
        limits: &Limits,
        callable: impl Fn(&Definition) -> Result<(), Refusal>,
    ) -> bool {
        match self {
            Self::Whole(stored) => {
                matches!(register(&stored.transaction, registration, limits), Ok(Registered::New))
                    && callable(&stored.transaction.definition).is_ok()
            }
            Self::Outline(outline) => outline.takes(registration, limits, callable),
        }
    }

    /// It is appended now.
    pub(super) fn append(&mut self, registration: &Registration) {
        match self {
            Self::Whole(stored) => stored.transaction.registrations.push(registration.clone()),
            Self::Outline(outline) => outline.append(registration),
        }
    }

    pub(super) fn owner(&self) -> &OwnerToken {
        match self {
            Self::Whole(stored) => &stored.owner.token,
            Self::Outline(outline) => outline.owner(),
        }
    }

    pub(super) fn registered(&self) -> usize {
        match self {
            Self::Whole(stored) => stored.transaction.registrations.len(),
            Self::Outline(outline) => outline.registered(),
        }
    }

    /// What is worth to be remembered of it, with its size.
    fn kept(self) -> Option<Copy> {
        let outline = match self {
            Self::Outline(outline) => outline,
            Self::Whole(stored) => {
                let transaction = &stored.transaction;
                if transaction.status() != Status::Prepared {
                    return None;
                }
                let bytes = weight(transaction);
                // A decision is never taken on what somebody else drives.
                if bytes <= BYTES_MAX && !stored.owner.held {
                    return Some(Copy { known: Self::Whole(stored), bytes });
                }
                Box::new(Outline::of(*stored))
            }
        };
        let bytes = weight_of_definition(outline.definition()) + outline.weight_of_rows();
        (bytes <= OUTLINE_BYTES_MAX).then_some(Copy { known: Self::Outline(outline), bytes })
    }
}

impl Recent {
    /// Remembers what is stored now, if it is prepared.
    pub(super) fn note(&self, stored: Stored) {
        self.put(Known::Whole(Box::new(stored)));
    }

    /// Puts back what is stored now.
    pub(super) fn put(&self, known: Known) {
        let Some(copy) = known.kept() else { return };
        let mut generations = self.0.lock();
        if generations.young.len() >= GENERATION || generations.young_bytes >= GENERATION_BYTES {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        let (gid, bytes) = (copy.known.gid().clone(), copy.bytes);
        let replaced = generations.young.insert(gid, copy).map_or(0, |copy| copy.bytes);
        generations.young_bytes = generations.young_bytes.saturating_sub(replaced) + bytes;
    }

    /// Takes the copy out: whoever writes with it puts the new one back.
    pub(super) fn take(&self, gid: &Gid) -> Option<Known> {
        let mut generations = self.0.lock();
        let old = generations.old.remove(gid);
        let Some(young) = generations.young.remove(gid) else { return old.map(|copy| copy.known) };
        generations.young_bytes = generations.young_bytes.saturating_sub(young.bytes);
        Some(young.known)
    }

    /// Takes the copy out if everything is known of it.
    pub(super) fn take_whole(&self, gid: &Gid) -> Option<Stored> {
        match self.take(gid)? {
            Known::Whole(stored) => Some(*stored),
            Known::Outline(_) => None,
        }
    }
}

/// About how many bytes a transaction holds.
fn weight(transaction: &Transaction) -> usize {
    let registrations = transaction.registrations.iter().map(weight_of_branch);
    weight_of_definition(&transaction.definition) + registrations.sum::<usize>()
}

fn weight_of_definition(definition: &Definition) -> usize {
    let plan = match &definition.plan {
        Plan::Message { query_prepared, .. } => query_prepared.len(),
        Plan::Workflow { callback, name, data } => callback.len() + name.len() + data.as_bytes().len(),
        Plan::Saga { .. } | Plan::Tcc | Plan::Xa => 0,
    };
    let steps = definition.plan.steps().iter().map(weight_of_step);
    let headers = definition.options.branch_headers.iter();
    let headers = headers.map(|(name, value)| PART + name.len() + value.len());
    definition.custom_data.len() + plan + steps.sum::<usize>() + headers.sum::<usize>()
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

/// The largest transaction that is remembered as it is, in bytes.
const BYTES_MAX: usize = 4_096;
/// The largest outline, in bytes.
const OUTLINE_BYTES_MAX: usize = 1 << 20;
/// How many are remembered at least, unless they are large, and half of how many at most.
const GENERATION: usize = 2_048;
/// Half of how many bytes are remembered at most, but for the last one.
const GENERATION_BYTES: usize = 32 << 20;
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
        recent.take_whole(&gid).is_some()
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
        many.transaction.registrations.extend((0..1_000).map(branch));
        assert!(!is_kept(many), "a thousand branches without a text");
        let mut held = stored("g", Plan::Xa);
        held.owner.held = true;
        assert!(!is_kept(held), "nobody decides on what somebody else drives");
    }

    fn branch(number: usize) -> Registration {
        Registration::Xa {
            branch_id: BranchId::parse(&number.to_string()).unwrap(),
            url: "".into(),
            data: Payload::empty(),
        }
    }

    #[test]
    fn of_a_large_one_is_remembered_what_it_takes_to_append_a_branch() {
        let (recent, gid) = (Recent::default(), Gid::parse("g").unwrap());
        let limits = Limits { branches_max: 1_002, ..Policy::default().limits };
        let mut large = stored("g", Plan::Xa);
        large.transaction.registrations.extend((0..1_000).map(branch));
        recent.note(large);
        let mut known = recent.take(&gid).unwrap();
        assert!(matches!(known, Known::Outline(_)));
        let takes = |known: &Known, number| known.takes(&branch(number), &limits, |_| Ok(()));
        assert!(!takes(&known, 999) && takes(&known, 1_000), "what is there is not new");
        known.append(&branch(1_000));
        recent.put(known);
        let mut known = recent.take(&gid).unwrap();
        assert_eq!(known.registered(), 1_001);
        assert!(!takes(&known, 1_000));
        let refused = |_: &Definition| Err(Refusal::Invalid(String::new()));
        assert!(!known.takes(&branch(1_001), &limits, refused));
        known.append(&branch(1_001));
        assert!(!takes(&known, 1_002), "there may be no more");
    }

    #[test]
    fn large_ones_are_bounded_by_their_bytes() {
        let recent = Recent::default();
        for number in 0..100_usize {
            let mut large = stored(&number.to_string(), Plan::Xa);
            let headers = &mut large.transaction.definition.options.branch_headers;
            headers.insert("x".to_owned(), "x".repeat(OUTLINE_BYTES_MAX - 1_000));
            recent.note(large);
            let it = recent.0.lock();
            let bytes = |copies: &HashMap<Gid, Copy>| copies.values().map(|copy| copy.bytes).sum::<usize>();
            assert_eq!(bytes(&it.young), it.young_bytes);
            assert!(bytes(&it.young) + bytes(&it.old) <= 2 * (GENERATION_BYTES + OUTLINE_BYTES_MAX));
            assert!(it.young.contains_key(&Gid::parse(&number.to_string()).unwrap()));
        }
        assert!(!recent.0.lock().old.is_empty(), "the bound was reached");
    }
}

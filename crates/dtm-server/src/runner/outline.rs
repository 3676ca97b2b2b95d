//! A prepared transaction without what its branches hold: enough to append one more, whatever is there already.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use dtm_core::coordinator::{Limits, Refusal};
use dtm_core::model::{Definition, Payload, Plan, Registration};
use dtm_store::{OwnerToken, Stored};

/// What a registration is compared with. It may be out of date, so a "no" from it is none: that is for the store to say.
#[derive(Debug)]
pub(super) struct Outline {
    /// Without what its steps and its function are called with.
    definition: Definition,
    owner: OwnerToken,
    /// A number for each row; two rows may have the same one.
    rows: HashSet<u64>,
    registered: usize,
}

impl Outline {
    pub(super) fn of(stored: Stored) -> Self {
        let mut definition = stored.transaction.definition;
        definition.custom_data = String::new();
        if let Plan::Workflow { data, .. } = &mut definition.plan {
            *data = Payload::empty();
        }
        let registrations = &stored.transaction.registrations;
        Self {
            definition,
            owner: stored.owner.token,
            rows: registrations.iter().map(number_of).collect(),
            registered: registrations.len(),
        }
    }

    /// Whether a branch is new and can be appended.
    pub(super) fn takes(
        &self,
        registration: &Registration,
        limits: &Limits,
        callable: impl Fn(&Definition) -> Result<(), Refusal>,
    ) -> bool {
        self.definition.plan.mode() == registration.mode()
            && self.registered < limits.branches_max
            && !self.rows.contains(&number_of(registration))
            && callable(&self.definition).is_ok()
    }

    /// It is appended now.
    pub(super) fn append(&mut self, registration: &Registration) {
        self.rows.insert(number_of(registration));
        self.registered += 1;
    }

    pub(super) const fn definition(&self) -> &Definition {
        &self.definition
    }

    pub(super) const fn owner(&self) -> &OwnerToken {
        &self.owner
    }

    pub(super) const fn registered(&self) -> usize {
        self.registered
    }

    /// How many bytes its rows take, about.
    pub(super) fn weight_of_rows(&self) -> usize {
        self.rows.capacity() * ROW
    }
}

/// What a row takes in a set of numbers, which is half full now and then.
const ROW: usize = 9;

fn number_of(registration: &Registration) -> u64 {
    let mut hasher = DefaultHasher::new();
    registration.row().hash(&mut hasher);
    hasher.finish()
}

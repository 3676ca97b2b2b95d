//! One transaction in the tables.

use dtm_core::model::{Definition, Registration, State, Transaction};
use dtm_store::precondition::Head;
use dtm_store::{Error, Listed, Stored};

/// A stored transaction.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(super) sequence: u64,
    pub(super) head: Head,
    pub(super) definition: Definition,
    pub(super) state: State,
    pub(super) registrations: Vec<Registration>,
    /// Whether a test made it unreadable.
    pub(super) damaged: bool,
    /// Whether a claim has said so.
    pub(super) damage_reported: bool,
}

impl Record {
    pub(super) const DAMAGE: &str = "a test made it unreadable";

    pub(super) fn readable(&self) -> Result<&Self, Error> {
        if self.damaged {
            return Err(Error::Damaged { gid: self.definition.gid.clone(), detail: Self::DAMAGE.to_owned() });
        }
        Ok(self)
    }

    pub(super) fn stored(&self) -> Stored {
        Stored {
            transaction: Transaction {
                definition: self.definition.clone(),
                state: self.state.clone(),
                registrations: self.registrations.clone(),
            },
            owner: self.head.owner.clone(),
            due: self.head.due,
        }
    }

    pub(super) fn listed(&self) -> Listed {
        Listed {
            definition: self.definition.clone(),
            state: self.state.clone(),
            owner: self.head.owner.clone(),
            due: self.head.due,
        }
    }
}

//! A transaction as it lies in its row, and what becomes of it.

use dtm_core::model::{Gid, Status, Timestamp, Transaction};
use dtm_store::codec::{VERSION, decode_definition, decode_registration, decode_state};
use dtm_store::precondition::Head;
use dtm_store::{Damaged, Error, Listed, OwnerToken, Ownership, Stored};

/// What a row says. The branches are there when somebody asked for them.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: i64,
    pub(crate) gid: String,
    pub(crate) status: String,
    pub(crate) owner: String,
    pub(crate) held: bool,
    pub(crate) due: Option<i64>,
    pub(crate) registered: i32,
    pub(crate) definition: String,
    pub(crate) state: String,
    pub(crate) branches: Vec<String>,
}

/// The part of a row that writes are compared with.
#[derive(Debug)]
pub(crate) struct HeadRecord {
    pub(crate) gid: String,
    pub(crate) status: String,
    pub(crate) owner: String,
    pub(crate) held: bool,
    pub(crate) due: Option<i64>,
    pub(crate) registered: i32,
    pub(crate) framed: bool,
}

/// How the text of a state begins that a write may replace; the status, `"` and the rest follow, and `}` is the end.
///
/// Each write compares this much with the text that it is about to replace. So neither a text that was cut off,
/// emptied or set to another status than its row, nor one of a newer server, is ever overwritten.
macro_rules! state_frame {
    () => {
        r#"{"v":1,"status":""#
    };
}

pub(crate) use state_frame;

const _: () = assert!(VERSION == 1, "another version of the state has another frame");

impl Record {
    /// The whole transaction.
    pub(crate) fn stored(&self) -> Result<Stored, Damaged> {
        let listed = self.listed()?;
        let registrations: Vec<_> = self
            .branches
            .iter()
            .map(|text| decode_registration(text))
            .collect::<Result<_, _>>()
            .map_err(|error| self.damaged(error))?;
        if usize::try_from(self.registered) != Ok(registrations.len()) {
            let (count, found) = (self.registered, registrations.len());
            return Err(self.damaged(format!("it has {count} branches, but {found} are there")));
        }
        let Listed { definition, state, owner, due } = listed;
        Ok(Stored { transaction: Transaction { definition, state, registrations }, owner, due })
    }

    /// Everything but the branches.
    pub(crate) fn listed(&self) -> Result<Listed, Damaged> {
        let definition = decode_definition(&self.definition).map_err(|error| self.damaged(error))?;
        if definition.gid.as_str() != self.gid {
            return Err(self.damaged(format!("its definition belongs to {}", definition.gid)));
        }
        let state = decode_state(&self.state).map_err(|error| self.damaged(error))?;
        if state.status.as_str() != self.status {
            return Err(self.damaged("row and state have different statuses"));
        }
        if state.status.is_final() != self.due.is_none() {
            return Err(self.damaged("its due time does not fit its status"));
        }
        let token = OwnerToken::parse(&self.owner).map_err(|error| self.damaged(error))?;
        let due = self.due.map(timestamp).transpose().map_err(|detail| self.damaged(detail))?;
        Ok(Listed { definition, state, owner: Ownership { token, held: self.held }, due })
    }

    fn damaged(&self, detail: impl std::fmt::Display) -> Damaged {
        Damaged { gid: self.gid.clone(), detail: detail.to_string() }
    }
}

impl HeadRecord {
    /// What it means for a write that found it in its way.
    pub(crate) fn head(&self, gid: &Gid) -> Result<Head, Error> {
        let damaged = |detail: String| Error::Damaged { gid: gid.clone(), detail };
        if !self.framed {
            return Err(damaged("state: it is not the state of this row".to_owned()));
        }
        Ok(Head {
            status: Status::parse(&self.status).map_err(|error| damaged(error.to_string()))?,
            owner: Ownership {
                token: OwnerToken::parse(&self.owner).map_err(|error| damaged(error.to_string()))?,
                held: self.held,
            },
            registered: usize::try_from(self.registered)
                .map_err(|_| damaged("it has a negative number of branches".to_owned()))?,
            due: self.due.map(timestamp).transpose().map_err(damaged)?,
        })
    }
}

/// The error of a call that needs this record.
pub(crate) fn damaged_error(damaged: Damaged) -> Error {
    match Gid::parse(&damaged.gid) {
        Ok(gid) => Error::Damaged { gid, detail: damaged.detail },
        Err(error) => Error::Rejected { what: "the listing".to_owned(), detail: error.to_string() },
    }
}

/// A time of a column.
pub(crate) fn timestamp(millis: i64) -> Result<Timestamp, String> {
    u64::try_from(millis).map(Timestamp::from_millis).map_err(|_| format!("{millis} is not a time"))
}

/// A time for a column.
pub(crate) fn millis(what: &str, time: Timestamp) -> Result<i64, Error> {
    i64::try_from(time.as_millis()).map_err(|_| Error::Rejected {
        what: what.to_owned(),
        detail: format!("{} milliseconds is no time that the database knows", time.as_millis()),
    })
}

#[cfg(test)]
mod tests {
    use dtm_core::coordinator::Policy;
    use dtm_core::model::{Definition, Options, Plan, Protocol};
    use dtm_store::codec::encode_state;

    use super::*;

    #[test]
    fn every_state_that_we_write_has_the_frame_that_writes_look_for() {
        let definition = Definition {
            gid: Gid::parse("g").unwrap(),
            protocol: Protocol::Http,
            plan: Plan::Tcc,
            options: Options::default(),
            custom_data: String::new(),
            created_at: Timestamp::from_millis(1),
        };
        let mut state = Transaction::prepared(definition, &Policy::default()).state;
        for status in [Status::Prepared, Status::Submitted, Status::Aborting, Status::Succeed, Status::Failed]
        {
            state.status = status;
            let text = encode_state(&state).unwrap();
            assert!(
                text.starts_with(&format!("{}{status}\",", state_frame!())) && text.ends_with('}'),
                "{text}"
            );
        }
    }
}

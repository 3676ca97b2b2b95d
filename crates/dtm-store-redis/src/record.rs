//! A transaction as it lies in its hash, and what becomes of it.

use dtm_core::model::{Gid, Timestamp, Transaction};
use dtm_store::codec::{VERSION, decode_definition, decode_registration, decode_state};
use dtm_store::precondition::Head;
use dtm_store::{Damaged, Error, Listed, Stored};
use redis::Value;

use crate::fault::Fault;
use crate::head;
use crate::reply::{read, strange};

const _: () = assert!(VERSION == 1, "another version of the state has another frame: see prelude.lua");

/// The fields of [`Record`], in their order.
pub(crate) const FIELDS: [&str; 3] = ["head", "definition", "state"];

/// What a hash says. A field that is missing, or is no text, is damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) gid: String,
    fields: [Option<String>; 3],
    branches: Option<Vec<String>>,
    /// Why not even its fields are known.
    unreadable: Option<String>,
}

/// The fields of a record that claims are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared<'a> {
    pub(crate) head: &'a str,
    pub(crate) state: &'a str,
}

impl Record {
    /// From the answer to `HMGET` of [`FIELDS`], and from that to `LRANGE`, when that was asked.
    pub(crate) fn new(gid: &str, fields: Value, branches: Option<Value>) -> Result<Self, Fault> {
        let texts = |value: Value| -> Result<Vec<Option<String>>, Fault> {
            Ok(read::<Vec<Option<Vec<u8>>>>(value)?.into_iter().map(text).collect())
        };
        let fields: [Option<String>; 3] =
            texts(fields)?.try_into().map_err(|_| strange(&"another number of fields"))?;
        let branches = match branches {
            Some(branches) => {
                texts(branches)?.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default().into()
            }
            None => None,
        };
        Ok(Self { gid: gid.to_owned(), fields, branches, unreadable: None })
    }

    /// One of which nothing is known but that it is there.
    pub(crate) fn unreadable(gid: &str, detail: String) -> Self {
        Self { gid: gid.to_owned(), fields: Default::default(), branches: None, unreadable: Some(detail) }
    }

    /// Whether there is nothing at all.
    pub(crate) fn is_absent(&self) -> bool {
        self.unreadable.is_none() && self.fields.iter().all(Option::is_none)
    }

    fn field(&self, index: usize) -> Result<&str, Damaged> {
        if let Some(detail) = &self.unreadable {
            return Err(self.damaged(detail));
        }
        self.fields[index]
            .as_deref()
            .ok_or_else(|| self.damaged(format!("the field {} is missing, or is no text", FIELDS[index])))
    }

    pub(crate) fn compared(&self) -> Result<Compared<'_>, Damaged> {
        Ok(Compared { head: self.field(0)?, state: self.field(2)? })
    }

    /// What the head says, and its time.
    pub(crate) fn head(&self) -> Result<(Head, u64), Damaged> {
        head::parse(self.field(0)?).map_err(|error| self.damaged(error))
    }

    /// The whole transaction.
    pub(crate) fn stored(&self) -> Result<Stored, Damaged> {
        let Listed { definition, state, owner, due } = self.listed()?;
        let texts = self.branches.as_deref().unwrap_or_default();
        let registrations: Vec<_> = texts
            .iter()
            .map(|text| decode_registration(text))
            .collect::<Result<_, _>>()
            .map_err(|error| self.damaged(error))?;
        let (registered, found) = (self.head()?.0.registered, registrations.len());
        if registered != found {
            return Err(self.damaged(format!("it has {registered} branches, but {found} are there")));
        }
        Ok(Stored { transaction: Transaction { definition, state, registrations }, owner, due })
    }

    /// Everything but the branches.
    pub(crate) fn listed(&self) -> Result<Listed, Damaged> {
        let definition = decode_definition(self.field(1)?).map_err(|error| self.damaged(error))?;
        if definition.gid.as_str() != self.gid {
            return Err(self.damaged(format!("its definition belongs to {}", definition.gid)));
        }
        let state = decode_state(self.field(2)?).map_err(|error| self.damaged(error))?;
        let (Head { status, owner, due, .. }, _) = self.head()?;
        if state.status != status {
            return Err(self.damaged("record and state have different statuses"));
        }
        Ok(Listed { definition, state, owner, due })
    }

    fn damaged(&self, detail: impl std::fmt::Display) -> Damaged {
        Damaged { gid: self.gid.clone(), detail: detail.to_string() }
    }
}

/// What a write found in its way: the head, and whether the state is sound.
pub(crate) fn found(gid: &Gid, value: Value) -> Result<Head, Error> {
    let damaged = |detail: String| Error::Damaged { gid: gid.clone(), detail };
    let (found, sound): (Option<Vec<u8>>, bool) = read(value).map_err(Fault::error)?;
    let found = text(found).ok_or_else(|| damaged("the field head is missing, or is no text".to_owned()))?;
    let (head, _) = head::parse(&found).map_err(damaged)?;
    if !sound {
        return Err(damaged("state: it is not the state of this record".to_owned()));
    }
    Ok(head)
}

/// The error of a call that needs this record.
pub(crate) fn damaged_error(damaged: Damaged) -> Error {
    match Gid::parse(&damaged.gid) {
        Ok(gid) => Error::Damaged { gid, detail: damaged.detail },
        Err(error) => Error::Rejected { what: "the listing".to_owned(), detail: error.to_string() },
    }
}

/// A time that Redis keeps exactly: its scores have 53 bits.
pub(crate) fn millis(what: &str, time: Timestamp) -> Result<u64, Error> {
    let millis = time.as_millis();
    if millis >= 1 << 53 {
        return Err(Error::Rejected {
            what: what.to_owned(),
            detail: format!("{millis} milliseconds is no time that Redis keeps exactly"),
        });
    }
    Ok(millis)
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use dtm_core::coordinator::Policy;
    use dtm_core::model::{Definition, Options, Plan, Protocol, Status};
    use dtm_store::codec::encode_state;

    use super::*;

    #[test]
    fn every_state_that_we_write_has_the_frame_that_scripts_look_for() {
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
            let frame = format!(r#"{{"v":1,"status":"{status}","#);
            assert!(text.starts_with(&frame) && text.ends_with('}'), "{text}");
        }
    }
}

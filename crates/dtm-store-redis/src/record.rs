//! A transaction as it lies in its hash, and what becomes of it.

use dtm_core::model::{Gid, Status, Timestamp, Transaction};
use dtm_store::codec::{VERSION, decode_definition, decode_registration, decode_state};
use dtm_store::precondition::Head;
use dtm_store::{Damaged, Error, Listed, OwnerToken, Ownership, Stored};
use redis::Value;

use crate::fault::Fault;
use crate::keys::holder;
use crate::reply::{read, strange};

const _: () = assert!(VERSION == 1, "another version of the state has another frame: see prelude.lua");

/// The fields of [`Record`], in their order.
pub(crate) const FIELDS: [&str; 7] =
    ["status", "owner", "holder", "due", "registered", "definition", "state"];

/// What a hash says. A field that is missing, or is no text, is damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) gid: String,
    fields: [Option<String>; 7],
    branches: Option<Vec<String>>,
}

/// The fields of a record that writes are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared<'a> {
    pub(crate) owner: &'a str,
    pub(crate) holder: &'a str,
    pub(crate) due: &'a str,
    pub(crate) registered: &'a str,
    pub(crate) state: &'a str,
}

impl Record {
    /// From the answer to `HMGET` of [`FIELDS`], and from that to `LRANGE`, when that was asked.
    pub(crate) fn new(gid: &str, fields: Value, branches: Option<Value>) -> Result<Self, Fault> {
        let texts = |value: Value| -> Result<Vec<Option<String>>, Fault> {
            Ok(read::<Vec<Option<Vec<u8>>>>(value)?.into_iter().map(text).collect())
        };
        let fields: [Option<String>; 7] =
            texts(fields)?.try_into().map_err(|_| strange(&"another number of fields"))?;
        let branches = match branches {
            Some(branches) => {
                texts(branches)?.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default().into()
            }
            None => None,
        };
        Ok(Self { gid: gid.to_owned(), fields, branches })
    }

    /// Whether there is nothing at all.
    pub(crate) fn is_absent(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    fn field(&self, index: usize) -> Result<&str, Damaged> {
        self.fields[index]
            .as_deref()
            .ok_or_else(|| self.damaged(format!("the field {} is missing, or is no text", FIELDS[index])))
    }

    pub(crate) fn compared(&self) -> Result<Compared<'_>, Damaged> {
        Ok(Compared {
            owner: self.field(1)?,
            holder: self.field(2)?,
            due: self.field(3)?,
            registered: self.field(4)?,
            state: self.field(6)?,
        })
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
        let registered = self.field(4)?;
        if registered.parse() != Ok(registrations.len()) {
            let found = registrations.len();
            return Err(self.damaged(format!("it has {registered} branches, but {found} are there")));
        }
        Ok(Stored { transaction: Transaction { definition, state, registrations }, owner, due })
    }

    /// Everything but the branches.
    pub(crate) fn listed(&self) -> Result<Listed, Damaged> {
        let definition = decode_definition(self.field(5)?).map_err(|error| self.damaged(error))?;
        if definition.gid.as_str() != self.gid {
            return Err(self.damaged(format!("its definition belongs to {}", definition.gid)));
        }
        let state = decode_state(self.field(6)?).map_err(|error| self.damaged(error))?;
        if state.status.as_str() != self.field(0)? {
            return Err(self.damaged("record and state have different statuses"));
        }
        let due = due(self.field(3)?).map_err(|error| self.damaged(error))?;
        if state.status.is_final() != due.is_none() {
            return Err(self.damaged("its due time does not fit its status"));
        }
        let owner = ownership(self.field(1)?, self.field(2)?).map_err(|error| self.damaged(error))?;
        Ok(Listed { definition, state, owner, due })
    }

    fn damaged(&self, detail: impl std::fmt::Display) -> Damaged {
        Damaged { gid: self.gid.clone(), detail: detail.to_string() }
    }
}

/// What a write found in its way: status, owner, holder, due, registered, and whether the state is sound.
pub(crate) fn head(gid: &Gid, value: Value) -> Result<Head, Error> {
    let damaged = |detail: String| Error::Damaged { gid: gid.clone(), detail };
    let mut fields: Vec<Option<Vec<u8>>> = match value {
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::Int(number) => Ok(Some(number.to_string().into_bytes())),
                other => read(other),
            })
            .collect::<Result<_, Fault>>()
            .map_err(Fault::error)?,
        other => return Err(strange(&format!("{other:?} instead of a record")).error()),
    };
    let mut next = |name: &str| {
        let field = if fields.is_empty() { None } else { text(fields.remove(0)) };
        field.ok_or_else(|| damaged(format!("the field {name} is missing, or is no text")))
    };
    let (status, owner, held) = (next("status")?, next("owner")?, next("holder")?);
    let (when, registered, sound) = (next("due")?, next("registered")?, next("state")?);
    if sound != "1" {
        return Err(damaged("state: it is not the state of this record".to_owned()));
    }
    Ok(Head {
        status: Status::parse(&status).map_err(|error| damaged(error.to_string()))?,
        owner: ownership(&owner, &held).map_err(damaged)?,
        registered: registered
            .parse()
            .map_err(|_| damaged(format!("{registered} is no number of branches")))?,
        due: due(&when).map_err(damaged)?,
    })
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

fn due(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(|millis| Some(Timestamp::from_millis(millis)))
        .map_err(|_| format!("'{text}' is not a time"))
}

fn ownership(owner: &str, held_by: &str) -> Result<Ownership, String> {
    let token = OwnerToken::parse(owner).map_err(|error| error.to_string())?;
    let held = !held_by.is_empty();
    if held && holder(&token, true) != held_by {
        return Err(format!("it is held by {held_by}, but owned by {owner}"));
    }
    Ok(Ownership { token, held })
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use dtm_core::coordinator::Policy;
    use dtm_core::model::{Definition, Options, Plan, Protocol};
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

//! Putting a transaction together from its entries.

use dtm_core::model::{Definition, Gid, Transaction};
use dtm_store::Stored;
use dtm_store::codec::{decode_definition, decode_registration, decode_state};

use crate::engine::{Source, Value, read};
use crate::error::Unreadable;
use crate::keys::{self, Number};
use crate::schema::{Row, Texts, split_row};

/// The state of a transaction that was found by its gid.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) number: Number,
    pub(crate) value: Value,
}

impl Found {
    pub(crate) fn row(&self) -> Result<(Row, Texts<'_>), Unreadable> {
        split_row(self.value.body()).map_err(Unreadable::Damaged)
    }
}

pub(crate) fn find(source: &impl Source, gid: &Gid) -> Result<Option<Found>, Unreadable> {
    let Some(value) = read(source, &keys::gid(gid))? else { return Ok(None) };
    let number = <[u8; 8]>::try_from(value.body())
        .map_err(|_| Unreadable::Damaged("the gid has no number".to_owned()))?;
    let number = Number(u64::from_be_bytes(number));
    match read(source, &keys::state(number))? {
        Some(value) => Ok(Some(Found { number, value })),
        None => Err(Unreadable::Damaged("the state is missing".to_owned())),
    }
}

/// The transaction of a gid, as it is stored.
pub(crate) fn load(source: &impl Source, gid: &Gid) -> Result<Option<Stored>, Unreadable> {
    let Some(found) = find(source, gid)? else { return Ok(None) };
    let (row, texts) = found.row()?;
    if row.gid != *gid {
        return Err(Unreadable::Damaged(format!("its state belongs to {}", row.gid)));
    }
    assemble(source, found.number, &row, texts).map(Some)
}

/// A whole transaction from its row and state.
pub(crate) fn assemble(
    source: &impl Source,
    number: Number,
    row: &Row,
    texts: Texts<'_>,
) -> Result<Stored, Unreadable> {
    let definition = definition_of(source, number, texts)?;
    if definition.gid != row.gid {
        return Err(Unreadable::Damaged(format!("its definition belongs to {}", definition.gid)));
    }
    let state = decode_state(texts.state)?;
    if state.status != row.head.status {
        return Err(Unreadable::Damaged("head and state have different statuses".to_owned()));
    }
    let count = u32::try_from(row.head.registered)
        .map_err(|_| Unreadable::Damaged("it has too many branches".to_owned()))?;
    let registrations = (0..count)
        .map(|index| {
            let value = required(source, &keys::branch(number, index), "branch")?;
            Ok(decode_registration(value.text()?)?)
        })
        .collect::<Result<_, Unreadable>>()?;
    Ok(Stored {
        transaction: Transaction { definition, state, registrations },
        owner: row.head.owner.clone(),
        due: row.head.due,
    })
}

/// A value without which the record is damaged.
pub(crate) fn required(source: &impl Source, key: &[u8], what: &str) -> Result<Value, Unreadable> {
    read(source, key)?.ok_or_else(|| Unreadable::Damaged(format!("the {what} is missing")))
}

/// The definition, wherever it is kept.
pub(crate) fn definition_of(
    source: &impl Source,
    number: Number,
    texts: Texts<'_>,
) -> Result<Definition, Unreadable> {
    if texts.definition.is_empty() {
        return Ok(decode_definition(required(source, &keys::definition(number), "definition")?.text()?)?);
    }
    Ok(decode_definition(texts.definition)?)
}

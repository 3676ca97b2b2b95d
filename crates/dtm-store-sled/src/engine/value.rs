//! Reading values that may have several parts.

use sled::IVec;

use crate::error::Unreadable;
use crate::{keys, schema};

/// Where entries are read: the tree, or a batch on top of it.
pub(crate) trait Source {
    fn entry(&self, key: &[u8]) -> Result<Option<IVec>, sled::Error>;
}

impl Source for sled::Tree {
    fn entry(&self, key: &[u8]) -> Result<Option<IVec>, sled::Error> {
        self.get(key)
    }
}

/// A value whose checksum was right.
#[derive(Debug)]
pub(crate) enum Value {
    /// All of it is in one entry, behind `start`.
    Whole { entry: IVec, start: usize },
    /// It was put together from that many further parts.
    Joined { body: Vec<u8>, parts: u16, share: u64 },
}

impl Value {
    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Whole { entry, start } => &entry[*start..],
            Self::Joined { body, .. } => body,
        }
    }

    /// How many further entries it has.
    pub(crate) const fn parts(&self) -> u16 {
        match self {
            Self::Whole { .. } => 0,
            Self::Joined { parts, .. } => *parts,
        }
    }

    /// What all its entries add to the digest of the store.
    pub(crate) fn share(&self) -> u64 {
        match self {
            Self::Whole { entry, .. } => schema::share(entry),
            Self::Joined { share, .. } => *share,
        }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<&str, Unreadable> {
        std::str::from_utf8(self.body()).map_err(|_| Unreadable::Damaged("it is not UTF-8".to_owned()))
    }
}

/// The value of a key; `None` when there is none.
pub(crate) fn read(source: &impl Source, key: &[u8]) -> Result<Option<Value>, Unreadable> {
    let Some(entry) = source.entry(key)? else { return Ok(None) };
    let first = schema::open(key, &entry).map_err(Unreadable::Damaged)?;
    if first.parts == 0 {
        let start = entry.len() - first.body.len();
        return Ok(Some(Value::Whole { entry, start }));
    }
    let mut body = first.body.to_vec();
    let mut share = schema::share(&entry);
    for part in 0..first.parts {
        let key = keys::part(key, part);
        let Some(entry) = source.entry(&key)? else {
            return Err(Unreadable::Damaged(format!("part {part} of {} is missing", first.parts)));
        };
        let sealed = schema::open(&key, &entry).map_err(Unreadable::Damaged)?;
        body.extend_from_slice(sealed.body);
        share = share.wrapping_add(schema::share(&entry));
    }
    Ok(Some(Value::Joined { body, parts: first.parts, share }))
}

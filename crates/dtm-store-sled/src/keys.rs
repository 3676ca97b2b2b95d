//! The keys of the one tree. The first byte says what it is.
//!
//! | key | value |
//! |---|---|
//! | `m` | the numbers of the whole store |
//! | `g` gid | the number of the transaction |
//! | `s` number | head, definition and state |
//! | `d` number | a definition that is too large to be rewritten with each state |
//! | `b` number index | a registration |
//! | `t` name | a topic |
//! | `n` name | the epoch of a node |
//! | `+` length key part | more of a value that is too large for one entry |
//!
//! Transactions are numbered in the order of creation. Whatever belongs to one is kept under its number, which
//! has a fixed length, and not under its gid: so no gid can hide what belongs to another (defect B20), and a
//! listing by creation is a walk along the keys. A gid is only ever looked up as a whole.

use dtm_core::model::Gid;
use dtm_store::NodeName;

/// The number of a transaction, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub(crate) u64);

pub(crate) const META: &[u8] = b"m";

/// The first byte of the keys of states.
pub(crate) const STATE: u8 = b's';
/// The first byte of the keys of topics.
pub(crate) const TOPIC: u8 = b't';

pub(crate) fn gid(gid: &Gid) -> Vec<u8> {
    text(b'g', gid.as_str())
}

pub(crate) fn definition(number: Number) -> [u8; 9] {
    numbered(b'd', number)
}

pub(crate) fn state(number: Number) -> [u8; 9] {
    numbered(STATE, number)
}

pub(crate) fn branch(number: Number, index: u32) -> [u8; 13] {
    let mut key = [0; 13];
    key[..9].copy_from_slice(&numbered(b'b', number));
    key[9..].copy_from_slice(&index.to_be_bytes());
    key
}

pub(crate) fn topic(name: &str) -> Vec<u8> {
    text(TOPIC, name)
}

pub(crate) fn node(name: &NodeName) -> Vec<u8> {
    text(b'n', name.as_str())
}

/// The key of a further part of the value of `key`. The length in front keeps the parts of different keys apart.
pub(crate) fn part(key: &[u8], part: u16) -> Vec<u8> {
    let mut result = Vec::with_capacity(key.len() + 11);
    result.push(b'+');
    result.extend_from_slice(&(key.len() as u64).to_be_bytes());
    result.extend_from_slice(key);
    result.extend_from_slice(&part.to_be_bytes());
    result
}

/// The number in the key of a state.
pub(crate) fn number_in(key: &[u8]) -> Option<Number> {
    let bytes: [u8; 8] = key.get(1..)?.try_into().ok()?;
    Some(Number(u64::from_be_bytes(bytes)))
}

fn numbered(kind: u8, number: Number) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&number.0.to_be_bytes());
    key
}

fn text(kind: u8, text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + text.len());
    key.push(kind);
    key.extend_from_slice(text.as_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_states_sort_as_their_numbers() {
        let numbers = [0, 1, 255, 256, 65_536, u64::MAX].map(Number);
        assert!(numbers.map(state).is_sorted());
        assert!(numbers.iter().all(|number| number_in(&state(*number)) == Some(*number)));
        assert_eq!(number_in(b"s123"), None);
    }

    #[test]
    fn the_parts_of_different_keys_never_meet() {
        // defect B20
        assert_ne!(part(b"ta", 0x6262), part(b"tabb", 0));
        assert_ne!(part(b"ta", 1), part(b"ta", 2));
    }
}

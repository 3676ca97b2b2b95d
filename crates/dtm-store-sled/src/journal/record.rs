//! One batch in the journal.
//!
//! ```text
//! checksum of all that follows:4  length of the body:8  batch:8  body
//! body, for each write  length of the key:4  key  length of the value:4  value
//! ```
//!
//! A removal has no value and a length that no value has.

use sled::IVec;

/// The writes of a batch in the order in which they are applied. `None` removes the key.
pub(crate) type Writes = Vec<(IVec, Option<IVec>)>;

/// How many bytes come before the body.
pub(super) const HEADER: usize = 20;

/// The length of a value that is none.
const REMOVED: u32 = u32::MAX;

/// The bytes of a batch.
///
/// # Errors
/// [`std::io::ErrorKind::InvalidInput`] when a key or a value is longer than its length can say.
pub(super) fn encode(batch: u64, writes: &Writes) -> std::io::Result<Vec<u8>> {
    let body: usize =
        writes.iter().map(|(key, value)| 8 + key.len() + value.as_ref().map_or(0, |value| value.len())).sum();
    let mut bytes = Vec::with_capacity(HEADER + body);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(body as u64).to_be_bytes());
    bytes.extend_from_slice(&batch.to_be_bytes());
    for (key, value) in writes {
        bytes.extend_from_slice(&length_of(key)?);
        bytes.extend_from_slice(key);
        match value {
            Some(value) => {
                bytes.extend_from_slice(&length_of(value)?);
                bytes.extend_from_slice(value);
            }
            None => bytes.extend_from_slice(&REMOVED.to_be_bytes()),
        }
    }
    let checksum = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

fn length_of(bytes: &[u8]) -> std::io::Result<[u8; 4]> {
    match u32::try_from(bytes.len()) {
        Ok(length) if length != REMOVED => Ok(length.to_be_bytes()),
        Ok(_) | Err(_) => {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "an entry is too long for the journal"))
        }
    }
}

/// What stands before a body. Nothing in it can be trusted before [`is_whole`](Self::is_whole) has said so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    checksum: u32,
    pub(super) length: u64,
    pub(super) batch: u64,
}

impl Header {
    pub(super) fn from_bytes(bytes: [u8; HEADER]) -> Self {
        let [c0, c1, c2, c3, rest @ ..] = bytes;
        let [l0, l1, l2, l3, l4, l5, l6, l7, batch @ ..] = rest;
        Self {
            checksum: u32::from_be_bytes([c0, c1, c2, c3]),
            length: u64::from_be_bytes([l0, l1, l2, l3, l4, l5, l6, l7]),
            batch: u64::from_be_bytes(batch),
        }
    }

    pub(super) fn is_whole(&self, body: &[u8]) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.length.to_be_bytes());
        hasher.update(&self.batch.to_be_bytes());
        hasher.update(body);
        hasher.finalize() == self.checksum
    }
}

/// The writes in a body; `None` when it is not exactly a list of writes.
pub(super) fn decode(body: &[u8]) -> Option<Writes> {
    let mut rest = body;
    let mut writes = Writes::new();
    while !rest.is_empty() {
        let key = IVec::from(take(&mut rest)??);
        let value = take(&mut rest)?.map(IVec::from);
        writes.push((key, value));
    }
    Some(writes)
}

/// A text behind its length; `None` when it is cut off, `Some(None)` when it stands for a removal.
fn take<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    if length == REMOVED {
        *rest = behind;
        return Some(None);
    }
    let (text, behind) = behind.split_at_checked(length as usize)?;
    *rest = behind;
    Some(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes() -> Writes {
        vec![(b"a".into(), Some(b"one".into())), (b"bb".into(), None), (b"c".into(), Some(b"".into()))]
    }

    fn split(bytes: &[u8]) -> (Header, &[u8]) {
        let (header, body) = bytes.split_first_chunk::<HEADER>().unwrap();
        (Header::from_bytes(*header), body)
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_every_flipped_bit_is_noticed() {
        let bytes = encode(7, &writes()).unwrap();
        let (header, body) = split(&bytes);
        assert!(header.is_whole(body));
        assert_eq!((header.batch, header.length), (7, body.len() as u64));
        assert_eq!(decode(body), Some(writes()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (header, body) = split(&flipped);
            assert!(!header.is_whole(body), "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_no_record() {
        // that is how a part is retired, and how it grows
        assert!(!Header::from_bytes([0; HEADER]).is_whole(&[]));
    }

    #[test]
    fn a_body_that_is_cut_off_is_no_list_of_writes() {
        let bytes = encode(7, &writes()).unwrap();
        let body = &bytes[HEADER..];
        let whole = [0, 5 + 4 + 3, 5 + 4 + 3 + 6 + 4, body.len()];
        for length in (0..body.len()).filter(|length| !whole.contains(length)) {
            assert_eq!(decode(&body[..length]), None, "{length} bytes");
        }
    }
}

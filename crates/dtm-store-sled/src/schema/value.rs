//! One entry of the tree.

/// The version of the values, and the only one that is read.
const VERSION: u8 = 1;

/// The largest entry. sled puts what is larger than a quarter of a segment into a file of its own, which it
/// does not sync; a leaf has up to 17 entries, so 4 KiB each stay well below that.
pub(crate) const PART_MAX: usize = 4_096;

/// How many bytes come before the body.
pub(crate) const HEADER: usize = 7;

/// An entry with its checksum, to be written.
pub(crate) fn seal(key: &[u8], parts: u16, body: &[&[u8]]) -> Vec<u8> {
    let length: usize = body.iter().map(|piece| piece.len()).sum();
    let mut entry = Vec::with_capacity(HEADER + length);
    entry.push(VERSION);
    entry.extend_from_slice(&[0; 4]);
    entry.extend_from_slice(&parts.to_be_bytes());
    for piece in body {
        entry.extend_from_slice(piece);
    }
    let checksum = checksum(key, &entry[5..]);
    entry[1..5].copy_from_slice(&checksum.to_be_bytes());
    entry
}

/// An entry that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    /// How many further parts there are.
    pub(crate) parts: u16,
    /// What is in it.
    pub(crate) body: &'a [u8],
}

/// What an entry adds to the digest of the store. It is taken from the checksum as it is stored: whether that is
/// right, [`open`] says.
pub(crate) fn share(entry: &[u8]) -> u64 {
    let checksum =
        entry.get(1..5).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map_or(0, u32::from_be_bytes);
    // the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), so that sums of shares do not cancel out
    let mut share = u64::from(checksum).wrapping_add(0x9E37_79B9_7F4A_7C15);
    share = (share ^ (share >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    share = (share ^ (share >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    share ^ (share >> 31)
}

/// Checks an entry. The error says what is wrong with it.
pub(crate) fn open<'a>(key: &[u8], entry: &'a [u8]) -> Result<Sealed<'a>, String> {
    let Some((&[version, c0, c1, c2, c3, p0, p1], body)) = entry.split_first_chunk::<HEADER>() else {
        return Err("the entry is too short".to_owned());
    };
    if version != VERSION {
        return Err(format!("the entry has version {version}, this server reads version {VERSION}"));
    }
    if checksum(key, &entry[5..]) != u32::from_be_bytes([c0, c1, c2, c3]) {
        return Err("the checksum does not match".to_owned());
    }
    Ok(Sealed { parts: u16::from_be_bytes([p0, p1]), body })
}

/// The key is part of it, so that an entry in a wrong place is noticed.
fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_wrong_place_is_noticed() {
        let entry = seal(b"key", 3, &[b"one", b"two"]);
        assert_eq!(open(b"key", &entry), Ok(Sealed { parts: 3, body: b"onetwo" }));
        for bit in 0..entry.len() * 8 {
            let mut flipped = entry.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(b"key", &flipped).is_err(), "bit {bit}");
        }
        assert!(open(b"other", &entry).is_err());
        for length in 0..entry.len() {
            assert!(open(b"key", &entry[..length]).is_err(), "{length} bytes");
        }
    }
}

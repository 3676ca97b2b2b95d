//! The name of a global transaction, chosen by the client or by the server.

use std::fmt;
use std::sync::Arc;

/// The id of a global transaction. Any text of 1 to [`Gid::MAX_BYTES`] bytes without control characters:
/// spaces, slashes, quotes and Unicode are kept as they are. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gid(Arc<str>);

/// Why a text is not a gid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GidError {
    /// There was no text.
    #[error("gid is empty: send the gid of the transaction, or ask newGid for one")]
    Empty,
    /// The text is longer than the store's key.
    #[error("gid is {bytes} bytes long, at most {max} are allowed")]
    TooLong {
        /// Length of the refused text in bytes.
        bytes: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The text has a control character (NUL, tab, line feed, ...).
    #[error("gid has a control character at byte {at}")]
    ControlCharacter {
        /// Byte offset of the first control character.
        at: usize,
    },
}

impl Gid {
    /// The longest gid in bytes of UTF-8. It fits an indexed column of every store.
    pub const MAX_BYTES: usize = 255;

    /// Checks a text and makes it a gid.
    ///
    /// # Errors
    /// [`GidError`] when the text is empty, too long or has a control character.
    pub fn parse(text: &str) -> Result<Self, GidError> {
        if text.is_empty() {
            return Err(GidError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(GidError::TooLong { bytes: text.len(), max: Self::MAX_BYTES });
        }
        if let Some(at) = text.find(char::is_control) {
            return Err(GidError::ControlCharacter { at });
        }
        Ok(Self(text.into()))
    }

    /// The text of the gid.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gid({:?})", self.as_str())
    }
}

impl fmt::Display for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gid_keeps_spaces_slashes_quotes_and_unicode() {
        // behaviour 9: quotes and spaces are kept and must work
        for text in ["order 47", "a/b?c=d", "it's \"quoted\"", "订单-1"] {
            assert_eq!(Gid::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn an_empty_an_over_long_and_a_control_character_gid_are_refused() {
        // decision 14
        assert_eq!(Gid::parse(""), Err(GidError::Empty));
        assert!(Gid::parse(&"x".repeat(255)).is_ok());
        assert_eq!(Gid::parse(&"x".repeat(256)), Err(GidError::TooLong { bytes: 256, max: 255 }));
        assert_eq!(Gid::parse("a\0b"), Err(GidError::ControlCharacter { at: 1 }));
    }
}

//! Why a text is not a record, or a record cannot be text.

use dtm_core::model::Gid;

use crate::Error;

/// A record that cannot be read or written. The message says where and why; it never shows a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{document}: {detail}")]
pub struct CodecError {
    /// Which document: `definition`, `state`, `registration`, `topic`.
    pub document: &'static str,
    /// What is wrong.
    pub detail: String,
}

impl CodecError {
    pub(super) fn new(document: &'static str, detail: impl std::fmt::Display) -> Self {
        Self { document, detail: detail.to_string() }
    }

    /// The error of a store that found such a record.
    #[must_use]
    pub fn damaged(&self, gid: &Gid) -> Error {
        Error::Damaged { gid: gid.clone(), detail: self.to_string() }
    }

    /// The error of a store that was asked to keep such a record.
    #[must_use]
    pub fn rejected(&self, what: &str) -> Error {
        Error::Rejected { what: what.to_owned(), detail: self.to_string() }
    }
}

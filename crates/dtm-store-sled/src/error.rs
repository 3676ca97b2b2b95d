//! What becomes of an error of sled: none of them is survived.
//!
//! After a failed write or flush nobody knows what is on disk, and trying again would only guess (on Linux a
//! second flush reports success although the first one lost the data). The store therefore stops for good; a
//! restart reads what is really there.

use std::path::Path;

use dtm_core::model::Gid;
use dtm_store::Error;
use dtm_store::codec::CodecError;

/// Why an operation, or the whole batch, was not executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// This operation is refused; nothing has changed.
    #[error("{0}")]
    Refused(Error),
    /// The database cannot be trusted any more.
    #[error("{0}")]
    Broken(String),
}

/// Why something could not be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// This record makes no sense.
    Damaged(String),
    /// The database cannot be read.
    Broken(String),
}

impl Unreadable {
    /// The failure of an operation on this transaction.
    pub(crate) fn of(self, gid: &Gid) -> Failure {
        match self {
            Self::Damaged(detail) => Failure::Refused(Error::Damaged { gid: gid.clone(), detail }),
            Self::Broken(detail) => Failure::Broken(detail),
        }
    }

    /// The failure of an operation on something that is no transaction, and without which nothing works.
    pub(crate) fn of_store(self, what: &str) -> Failure {
        match self {
            Self::Damaged(detail) => Failure::Broken(format!("{what} cannot be read: {detail}")),
            Self::Broken(detail) => Failure::Broken(detail),
        }
    }
}

impl From<sled::Error> for Unreadable {
    fn from(error: sled::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<CodecError> for Unreadable {
    fn from(error: CodecError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The store in `path` has failed while it was open.
pub(crate) fn failed(path: &Path, detail: &str) -> Error {
    Error::Fatal(format!(
        "the store in {} has failed and writes nothing more: {detail}; check the disk, then start the server \
         again: everything that was acknowledged is kept",
        path.display()
    ))
}

/// The store in `path` cannot be opened because something is wrong with its content.
pub(crate) fn damaged(path: &Path, detail: &str) -> Error {
    Error::Fatal(format!(
        "the store in {path} is damaged: {detail}; keep a copy of the folder, then restore it from a backup, or \
         move it away to start with an empty store (its unfinished transactions are then forgotten)",
        path = path.display()
    ))
}

/// The folder cannot be used at all.
pub(crate) fn unusable(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::Fatal(format!(
        "cannot {what} in {}: {error}; check that the folder exists, is writable and has space left, or set \
         Store.Path",
        path.display()
    ))
}

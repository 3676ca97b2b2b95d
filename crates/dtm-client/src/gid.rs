//! The name of a transaction: the caller's, or one that the server chooses once.

use dtm_core::model;
use tokio::sync::OnceCell;

use crate::{Client, Error};

/// A name that is there, or will be.
#[derive(Debug, Default)]
pub(crate) struct Gid(OnceCell<String>);

impl Gid {
    pub(crate) fn given(gid: String) -> Self {
        Self(OnceCell::new_with(Some(gid)))
    }

    /// The server chooses one.
    pub(crate) fn chosen() -> Self {
        Self::default()
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Before anything is sent: whether the caller's name can be one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.get() {
            Some(gid) => check(gid),
            None => Ok(()),
        }
    }

    /// The name; the server is asked for one the first time. Stays the same afterwards.
    pub(crate) async fn resolve(&self, client: &Client) -> Result<&str, Error> {
        self.0.get_or_try_init(|| client.new_gid()).await.map(String::as_str)
    }
}

/// Whether a text can be the name of a transaction. The server removes every `;` of a name that comes over
/// HTTP (behaviour 9), so that two names would be one.
pub(crate) fn check(gid: &str) -> Result<(), Error> {
    if gid.contains(';') {
        return Err(Error::invalid("gid", "it has a ';': the server would leave it out"));
    }
    model::Gid::parse(gid).map(|_| ()).map_err(|error| Error::invalid("gid", error))
}

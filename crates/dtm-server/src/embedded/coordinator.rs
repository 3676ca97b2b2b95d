//! What can be asked of a coordinator in this process.

use std::time::Duration;

use dtm_client::{Client, ClientBuilder};
use dtm_core::model::{Gid, Status, Transaction};

use super::presence::Handle;
use super::{Error, Message, Saga, Tcc};
use crate::api::{self, ALREADY_SUBSCRIBED, Api};

/// The first pause between two questions, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// A handle of a coordinator that runs inside this application. Cheap to clone.
///
/// A gid is a name of your own, 1 to 255 bytes without control characters. One that comes from your data (the number of an
/// order) makes a repetition harmless, wherever it comes from.
#[derive(Debug, Clone)]
pub struct Coordinator {
    api: Api,
    /// The most bytes of URLs and payloads of one transaction.
    bytes_max: usize,
    handle: Handle,
}

impl Coordinator {
    pub(super) const fn new(api: Api, bytes_max: usize, handle: Handle) -> Self {
        Self { api, bytes_max, handle }
    }

    pub(super) const fn api(&self) -> &Api {
        &self.api
    }

    pub(super) const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// A client of this coordinator: every builder of `dtm-client`, TCC with tries at URLs and nested ones, XA, messages
    /// with a local transaction in a database, and workflows by `dtm-workflow`, with branches of this process and remote
    /// ones. Cheap to clone; each one that is made here has connections of its own to remote branches.
    ///
    /// # Errors
    /// [`dtm_client::Error::Invalid`] when the HTTP client for remote branches cannot be made.
    pub fn client(&self) -> Result<Client, dtm_client::Error> {
        self.client_builder().build()
    }

    /// As [`client`](Self::client), with settings of your own.
    pub fn client_builder(&self) -> ClientBuilder {
        self.handle.client_builder()
    }

    /// A saga.
    pub fn saga(&self, gid: impl AsRef<str>) -> Saga {
        Saga::new(self.clone(), gid.as_ref())
    }

    /// A message.
    pub fn message(&self, gid: impl AsRef<str>) -> Message {
        Message::new(self.clone(), gid.as_ref())
    }

    /// A TCC.
    pub fn tcc(&self, gid: impl AsRef<str>) -> Tcc {
        Tcc::new(self.clone(), gid.as_ref())
    }

    /// A name that nobody else has.
    #[must_use]
    pub fn new_gid(&self) -> String {
        api::new_gid()
    }

    /// Where a transaction stands; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the gid is none, [`Error::Unknown`] when the store fails.
    pub async fn status(&self, gid: &str) -> Result<Option<Status>, Error> {
        Ok(self.query(gid).await?.map(|transaction| transaction.status()))
    }

    /// Everything that is stored about a transaction; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the gid is none, [`Error::Unknown`] when the store fails.
    pub async fn query(&self, gid: &str) -> Result<Option<Transaction>, Error> {
        let stored = api::query(&self.api, &parsed(gid)?).await.map_err(|error| Error::of(gid, error))?;
        Ok(stored.map(|stored| stored.transaction))
    }

    /// Waits until a transaction has ended, one way or the other, and returns it.
    ///
    /// Another application on the same store may be driving it, so the store is asked again and again: soon at first, then
    /// less and less often, at most once a second. It waits for as long as it takes; put a `tokio::time::timeout` around it.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such transaction, [`Error::Unknown`] when the store fails.
    pub async fn wait(&self, gid: &str) -> Result<Transaction, Error> {
        let mut bound = PAUSES.0;
        loop {
            match self.query(gid).await? {
                Some(transaction) if transaction.status().is_final() => return Ok(transaction),
                Some(_) => {}
                None => {
                    let message = "there is no such transaction".to_owned();
                    return Err(Error::Refused { gid: gid.to_owned(), message });
                }
            }
            tokio::time::sleep(bound.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
            bound = (bound * 2).min(PAUSES.1);
        }
    }

    /// Tries a transaction again now, instead of when its pause is over.
    ///
    /// # Errors
    /// [`Error`] when there is no such transaction, or the store fails.
    pub async fn retry_now(&self, gid: &str) -> Result<(), Error> {
        api::reset_next_cron_time(&self.api, &parsed(gid)?).await.map_err(|error| Error::of(gid, error))
    }

    /// Has messages to `topic` that are stored from now on call `url`, too. Kept in the store, for every application that
    /// shares it; what is subscribed already stays so.
    ///
    /// # Errors
    /// [`Error`] when the topic or the URL cannot be used, or the store fails.
    pub async fn subscribe(&self, topic: &str, url: &str) -> Result<(), Error> {
        match api::subscribe(&self.api, topic, url, "").await {
            Err(error) if error.message == ALREADY_SUBSCRIBED => Ok(()),
            result => result.map_err(|error| Error::of(topic, error)),
        }
    }

    /// Has messages to `topic` that are stored from now on not call `url` any more.
    ///
    /// # Errors
    /// [`Error`] when it was not subscribed, or the store fails.
    pub async fn unsubscribe(&self, topic: &str, url: &str) -> Result<(), Error> {
        api::unsubscribe(&self.api, topic, url).await.map_err(|error| Error::of(topic, error))
    }
}

fn parsed(gid: &str) -> Result<Gid, Error> {
    Gid::parse(gid).map_err(|error| Error::Refused { gid: gid.to_owned(), message: error.to_string() })
}

//! What can be asked of a coordinator in this process.

use dtm_client::in_process::Declined;
use dtm_client::{Client, Error, GlobalTcc, GlobalXa, Message, Saga, Transaction};
use dtm_core::model::{self, Gid, Status};

use super::presence::{Handle, declined};
use crate::api::{self, ALREADY_SUBSCRIBED, Api, ApiError};

/// A handle of a coordinator that runs inside this application. Cheap to clone.
///
/// A gid is a name of your own: 1 to 255 bytes without control characters and `;`. One that comes from your data (the number
/// of an order) makes a repetition harmless, wherever it comes from.
#[derive(Debug, Clone)]
pub struct Coordinator {
    api: Api,
    handle: Handle,
    client: Client,
}

impl Coordinator {
    pub(super) const fn new(api: Api, handle: Handle, client: Client) -> Self {
        Self { api, handle, client }
    }

    pub(super) const fn api(&self) -> &Api {
        &self.api
    }

    /// The client of `dtm-client` whose server is this coordinator. Clones share its connections to remote branches.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// One with settings of your own.
    pub fn client_builder(&self) -> dtm_client::ClientBuilder {
        self.handle.client_builder()
    }

    /// A saga.
    pub fn saga(&self, gid: impl AsRef<str>) -> Saga {
        self.client.saga(gid.as_ref())
    }

    /// A message.
    pub fn message(&self, gid: impl AsRef<str>) -> Message {
        self.client.message(gid.as_ref())
    }

    /// A TCC.
    pub fn tcc(&self, gid: impl AsRef<str>) -> GlobalTcc {
        self.client.tcc(gid.as_ref())
    }

    /// An XA transaction.
    pub fn xa(&self, gid: impl AsRef<str>) -> GlobalXa {
        self.client.xa(gid.as_ref())
    }

    /// A name that nobody else has.
    #[must_use]
    pub fn new_gid(&self) -> String {
        api::new_gid()
    }

    /// Where a transaction stands; `None` when there is none of that name.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn status(&self, gid: &str) -> Result<Option<Status>, Error> {
        self.client.status(gid).await
    }

    /// A transaction with its branches; `None` when there is none of that name.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query(&self, gid: &str) -> Result<Option<Transaction>, Error> {
        self.client.query(gid).await
    }

    /// Waits until a transaction has ended, one way or the other, and returns it.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub async fn wait(&self, gid: &str) -> Result<Transaction, Error> {
        self.client.wait(gid).await
    }

    /// Everything that is stored about a transaction, for tests and tools; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Refused`] when the gid is none, [`Error::NoAnswer`] when the store fails.
    pub async fn stored(&self, gid: &str) -> Result<Option<model::Transaction>, Error> {
        let request = || format!("query of {gid}");
        let stored = api::query(&self.api, &parsed(gid, &request())?).await;
        stored.map(|stored| stored.map(|stored| stored.transaction)).map_err(|error| told(request(), error))
    }

    /// Tries a transaction again now, instead of when its pause is over.
    ///
    /// # Errors
    /// [`Error`] when there is no such transaction, or the store fails.
    pub async fn retry_now(&self, gid: &str) -> Result<(), Error> {
        let request = || format!("retry of {gid}");
        let retried = api::reset_next_cron_time(&self.api, &parsed(gid, &request())?).await;
        retried.map_err(|error| told(request(), error))
    }

    /// Has messages to `topic` that are stored from now on call `url`, too. Kept in the store, for every application that
    /// shares it; what is subscribed already stays so.
    ///
    /// # Errors
    /// [`Error`] when the topic or the URL cannot be used, or the store fails.
    pub async fn subscribe(&self, topic: &str, url: &str) -> Result<(), Error> {
        match api::subscribe(&self.api, topic, url, "").await {
            Err(error) if error.message == ALREADY_SUBSCRIBED => Ok(()),
            result => result.map_err(|error| told(format!("subscription of {topic}"), error)),
        }
    }

    /// Has messages to `topic` that are stored from now on not call `url` any more.
    ///
    /// # Errors
    /// [`Error`] when it was not subscribed, or the store fails.
    pub async fn unsubscribe(&self, topic: &str, url: &str) -> Result<(), Error> {
        let done = api::unsubscribe(&self.api, topic, url).await;
        done.map_err(|error| told(format!("end of the subscription of {topic}"), error))
    }
}

fn parsed(gid: &str, request: &str) -> Result<Gid, Error> {
    Gid::parse(gid).map_err(|error| told(request.to_owned(), error.into()))
}

/// The error of something that starts no transaction.
fn told(request: String, error: ApiError) -> Error {
    let Declined { code, message, .. } = declined(error);
    if code < 500 {
        Error::Refused { request, code, message }
    } else {
        Error::NoAnswer { request, cause: message }
    }
}

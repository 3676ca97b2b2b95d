//! The way to the server.

use std::sync::Arc;

use dtm_core::model::{Gid, Status};

use crate::protocol::{Http, NewGid};
use crate::{ClientBuilder, Error, Saga, Transaction, query};

/// A connection pool to one server. Cheap to clone; clones share the pool.
///
/// ```no_run
/// use dtm_client::{Client, Status};
///
/// # async fn example() -> Result<(), dtm_client::Error> {
/// let client = Client::http("http://localhost:36789/api/dtmsvr")?;
/// if client.status("order-1001").await? == Some(Status::Succeed) {
///     println!("paid");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: Arc<Http>,
}

impl Client {
    /// A client with default settings. `address` is `http://HOST:PORT/api/dtmsvr`; without a path,
    /// `/api/dtmsvr` is used. No connection is made yet.
    ///
    /// ```
    /// let client = dtm_client::Client::http("http://localhost:36789/api/dtmsvr")?;
    /// # let _ = client;
    /// # Ok::<(), dtm_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is not an `http://` or `https://` URL.
    pub fn http(address: &str) -> Result<Self, Error> {
        Self::builder(address).build()
    }

    /// A client with settings of your own.
    ///
    /// ```
    /// use dtm_client::{Client, Retry};
    /// let client = Client::builder("http://localhost:36789").retry(Retry::never()).build()?;
    /// # let _ = client;
    /// # Ok::<(), dtm_client::Error>(())
    /// ```
    #[must_use]
    pub fn builder(address: &str) -> ClientBuilder {
        ClientBuilder::new(address)
    }

    /// A saga under a name of your own: 1 to 255 bytes without control characters. A name that comes from
    /// your data (the number of an order) makes a repetition harmless, wherever it comes from.
    ///
    /// ```no_run
    /// # use dtm_client::{Client, Step};
    /// # async fn example(client: Client) -> Result<(), dtm_client::Error> {
    /// client.saga("order-1001").step(Step::new("http://stock/take", "http://stock/undo")).submit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn saga(&self, gid: impl Into<String>) -> Saga {
        Saga::new(self.clone(), Some(gid.into()))
    }

    /// A saga whose name the server chooses, once, at the first submit.
    ///
    /// ```no_run
    /// # use dtm_client::{Client, Step};
    /// # async fn example(client: Client) -> Result<(), dtm_client::Error> {
    /// let saga = client.saga_with_new_gid().step(Step::new("http://stock/take", "http://stock/undo"));
    /// let receipt = saga.submit().await?;
    /// println!("look it up as {}", receipt.gid);
    /// # Ok(())
    /// # }
    /// ```
    pub fn saga_with_new_gid(&self) -> Saga {
        Saga::new(self.clone(), None)
    }

    /// A name that the server has given to nobody else.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// let gid = client.new_gid().await?;
    /// # let _ = gid;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoAnswer`] or [`Error::Refused`]. Nothing was started then.
    pub async fn new_gid(&self) -> Result<String, Error> {
        let request = "newGid".to_owned();
        let body = self.http.ask(&request, "newGid", &[]).await?;
        let read = |body: &[u8]| -> Result<String, String> {
            let NewGid { gid } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            Gid::parse(&gid).map_err(|error| error.to_string())?;
            Ok(gid)
        };
        read(&body).map_err(|cause| Error::NoAnswer { request, cause: format!("unreadable answer: {cause}") })
    }

    /// Where a transaction stands; `None` when the server does not know it.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// match client.status("order-1001").await? {
    ///     Some(status) if status.is_final() => println!("ended: {status}"),
    ///     Some(status) => println!("on its way: {status}"),
    ///     None => println!("never submitted, or forgotten after its retention"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoAnswer`] or [`Error::Refused`].
    pub async fn status(&self, gid: &str) -> Result<Option<Status>, Error> {
        Ok(self.query(gid).await?.map(|transaction| transaction.status))
    }

    /// A transaction with its branches; `None` when the server does not know it.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// for branch in client.query("order-1001").await?.map(|found| found.branches).into_iter().flatten() {
    ///     println!("{} {}: {}", branch.branch_id, branch.op.as_str(), branch.status.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoAnswer`] when there is no answer or it cannot be read, [`Error::Refused`] when the server
    /// declines.
    pub async fn query(&self, gid: &str) -> Result<Option<Transaction>, Error> {
        let request = format!("query of {gid}");
        let body = self.http.ask(&request, "query", &[("gid", gid)]).await?;
        query::read(&body)
            .map_err(|cause| Error::NoAnswer { request, cause: format!("unreadable answer: {cause}") })
    }
}

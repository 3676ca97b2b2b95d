//! The way to the server.

use std::sync::Arc;

use dtm_core::model::Status;

use crate::builder::Protocol;
use crate::gid;
use crate::gid::Gid;
use crate::protocol::{Server, unreadable};
use crate::{ClientBuilder, Error, GlobalTcc, GlobalXa, Message, Saga, Transaction};

/// The way to the server: over HTTP, JSON-RPC or gRPC, with the same API. Cheap to clone; clones share the
/// connections.
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
    pub(crate) server: Arc<Server>,
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
    pub fn builder(address: &str) -> ClientBuilder {
        ClientBuilder::new(Protocol::Http, address)
    }

    /// A client that speaks JSON-RPC 2.0, with default settings. `address` is `http://HOST:PORT/api/json-rpc`;
    /// without a path, that one is used. Branches whose URL has a `method` in it are called over JSON-RPC,
    /// others over HTTP. What JSON-RPC has no method for (a status, a workflow) goes to the HTTP API, which is
    /// beside it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is not an `http://` or `https://` URL.
    pub fn json_rpc(address: &str) -> Result<Self, Error> {
        Self::json_rpc_builder(address).build()
    }

    /// As [`json_rpc`](Self::json_rpc), with settings of your own.
    pub fn json_rpc_builder(address: &str) -> ClientBuilder {
        ClientBuilder::new(Protocol::JsonRpc, address)
    }

    /// A client that speaks gRPC, with default settings (feature `grpc`). `address` is `http://HOST:36790`, or
    /// `https://` for TLS. Branches are `HOST:PORT/package.Service/Method`; those whose URL begins with
    /// `http://` or `https://` are called over HTTP. To ask for a status, it needs
    /// [`ClientBuilder::query_address`].
    ///
    /// ```
    /// let client = dtm_client::Client::grpc("http://localhost:36790")?;
    /// # let _ = client;
    /// # Ok::<(), dtm_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address cannot be one.
    #[cfg(feature = "grpc")]
    pub fn grpc(address: &str) -> Result<Self, Error> {
        Self::grpc_builder(address).build()
    }

    /// As [`grpc`](Self::grpc), with settings of your own.
    #[cfg(feature = "grpc")]
    pub fn grpc_builder(address: &str) -> ClientBuilder {
        ClientBuilder::new(Protocol::Grpc, address)
    }

    /// A saga under a name of your own: 1 to 255 bytes without control characters and `;`. A name that comes from
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
        Saga::new(self.clone(), Gid::given(gid.into()))
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
        Saga::new(self.clone(), Gid::chosen())
    }

    /// A TCC under a name of your own; see [`saga`](Self::saga) about names.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// client
    ///     .tcc("order-1001")
    ///     .run(async |tcc| {
    ///         let stock = tcc.branch("http://stock/try").confirm("http://stock/confirm").cancel("http://stock/cancel");
    ///         stock.call(&serde_json::json!({ "item": 7 })).await?;
    ///         Ok(())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tcc(&self, gid: impl Into<String>) -> GlobalTcc {
        GlobalTcc::new(self.clone(), Gid::given(gid.into()))
    }

    /// A TCC whose name the server chooses, once.
    pub fn tcc_with_new_gid(&self) -> GlobalTcc {
        GlobalTcc::new(self.clone(), Gid::chosen())
    }

    /// An XA transaction under a name of your own; see [`saga`](Self::saga) about names.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// client
    ///     .xa("transfer-7")
    ///     .run(async |xa| {
    ///         xa.call("http://bank-a/take", &30).await?;
    ///         xa.call("http://bank-b/give", &30).await?;
    ///         Ok(())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn xa(&self, gid: impl Into<String>) -> GlobalXa {
        GlobalXa::new(self.clone(), Gid::given(gid.into()))
    }

    /// An XA transaction whose name the server chooses, once.
    pub fn xa_with_new_gid(&self) -> GlobalXa {
        GlobalXa::new(self.clone(), Gid::chosen())
    }

    /// A message under a name of your own; see [`saga`](Self::saga) about names.
    ///
    /// ```no_run
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// client.message("order-1001").step("http://mail/send", "thank you").submit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn message(&self, gid: impl Into<String>) -> Message {
        Message::new(self.clone(), Gid::given(gid.into()))
    }

    /// A message whose name the server chooses, once.
    pub fn message_with_new_gid(&self) -> Message {
        Message::new(self.clone(), Gid::chosen())
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
        let gid = self.server.new_gid().await?;
        gid::check(&gid).map_err(|error| unreadable("newGid", error))?;
        Ok(gid)
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
    /// declines, [`Error::Invalid`] for a gid that no transaction can have, and with a gRPC client that has no
    /// `query_address`.
    pub async fn query(&self, gid: &str) -> Result<Option<Transaction>, Error> {
        gid::check(gid)?;
        self.server.query(gid).await
    }
}

//! One connection to the server that is kept open: plain hyper, no pool, little CPU.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection that sends one request at a time.
pub(crate) struct Connection {
    server: SocketAddr,
    address: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> crate::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { server: address, address: address.to_string(), sender })
    }

    /// A new connection to the same server.
    pub(crate) async fn reopen(&mut self) -> crate::Result {
        *self = Self::open(self.server).await?;
        Ok(())
    }

    pub(crate) async fn get(&mut self, path: &str) -> crate::Result<Bytes> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> crate::Result<Bytes> {
        self.exchange(Method::POST, path, body).await
    }

    /// The body of a 200; everything else is an error.
    async fn exchange(&mut self, method: Method, path: &str, body: Bytes) -> crate::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status == StatusCode::OK {
            return Ok(body);
        }
        Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)).into())
    }
}

//! Transactions that are stuck on a host that refuses connections.

use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpSocket;

use super::Connection;

/// A port of this machine on which nobody listens, and nobody else can, as long as this lives.
pub(crate) struct Dead {
    socket: TcpSocket,
}

impl Dead {
    pub(crate) fn new() -> crate::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { socket })
    }

    /// Submits `count` sagas that get stuck.
    pub(crate) async fn submit(&self, server: SocketAddr, count: u32) -> crate::Result {
        let mut connection = Connection::open(server).await?;
        let url = format!("http://{}/dead", self.socket.local_addr()?);
        for number in 0..count {
            let body = json!({
                "gid": format!("dead-{number}"),
                "trans_type": "saga",
                "steps": [{"action": url, "compensate": url}],
                "payloads": ["{}"],
            });
            connection.post("/api/dtmsvr/submit", Bytes::from(body.to_string())).await?;
        }
        Ok(())
    }

    /// Ends them by force.
    pub(crate) async fn stop(&self, server: SocketAddr, count: u32) -> crate::Result {
        let mut connection = Connection::open(server).await?;
        for number in 0..count {
            let body = json!({"gid": format!("dead-{number}")});
            connection.post("/api/dtmsvr/forceStop", Bytes::from(body.to_string())).await?;
        }
        Ok(())
    }
}

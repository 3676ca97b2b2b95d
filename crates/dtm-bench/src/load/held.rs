//! Transactions that stay open, because their branch hangs.

use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::json;

use super::{Branches, Connection};

/// Which transactions are held, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Their name, without a `-`.
    pub(crate) name: &'static str,
    /// Which group of hanging calls they make.
    pub(crate) group: usize,
    /// How many.
    pub(crate) count: u32,
    /// How long the server waits for each call, in seconds.
    pub(crate) timeout: u32,
    /// Where their branch is.
    pub(crate) at: SocketAddr,
}

impl Held {
    /// Opens the transactions and waits until the branch of each hangs. Once only for each group.
    pub(crate) async fn open(self, server: SocketAddr, branches: &Branches) -> crate::Result {
        if self.count == 0 {
            return Ok(());
        }
        let mut connection = Connection::open(server).await?;
        let url = format!("http://{}/h/{}", self.at, self.group);
        for number in 0..self.count {
            let body = json!({
                "gid": format!("{}-{number}-0", self.name),
                "trans_type": "saga",
                "steps": [{"action": url, "compensate": url}],
                "payloads": ["{}"],
                "request_timeout": self.timeout,
            });
            connection.post("/api/dtmsvr/submit", Bytes::from(body.to_string())).await?;
        }
        branches.until_hanging(self.group, self.count).await
    }

    /// Lets all branches answer.
    pub(crate) async fn close(self, branches: &Branches) -> crate::Result {
        branches.let_go(self.group).await
    }
}

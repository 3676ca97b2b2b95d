//! The closed loop: each client has one transaction under way and submits the next when it has ended.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Branches, Connection, Ledger};

/// What to submit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) clients: u32,
    pub(crate) count: u32,
    pub(crate) steps: u32,
}

/// Runs a load against the server at `address` and returns the record of it. The name has no `-`.
pub(crate) async fn drive(
    name: &str,
    load: Load,
    address: SocketAddr,
    branches: &Branches,
) -> crate::Result<Arc<Ledger>> {
    let mut connections = Vec::new();
    for _ in 0..load.clients {
        connections.push(Connection::open(address).await?);
    }
    let ledger = Arc::new(Ledger::new(name, load.count, load.steps, load.clients));
    branches.write_to(&ledger);
    let after_gid: Arc<str> = after_gid(branches.good, load.steps).into();
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for (client, connection) in (0..).zip(connections) {
        let client = Client { number: client, connection, ledger: Arc::clone(&ledger) };
        clients.spawn(client.run(Arc::clone(&next), Arc::clone(&after_gid)));
    }
    let progress = async {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            eprintln!("  {name}: {} of {}", next.load(Relaxed).min(load.count), load.count);
        }
    };
    let all = async {
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        Ok::<(), crate::Error>(())
    };
    tokio::select! {
        () = progress => {}
        ended = all => ended?,
    }
    Ok(ledger)
}

struct Client {
    number: u32,
    connection: Connection,
    ledger: Arc<Ledger>,
}

impl Client {
    async fn run(mut self, next: Arc<AtomicU32>, after_gid: Arc<str>) -> crate::Result {
        loop {
            let transaction = next.fetch_add(1, Relaxed);
            if transaction as usize >= self.ledger.count() {
                return Ok(());
            }
            let gid = self.ledger.gid(transaction, self.number);
            let body = Bytes::from(format!("{{\"gid\":\"{gid}\"{after_gid}"));
            self.ledger.submits(transaction);
            self.connection.post("/api/dtmsvr/submit", body).await?;
            self.ledger.ended(self.number).await;
        }
    }
}

/// The body of a submit after the gid, which is all that differs.
fn after_gid(branches: SocketAddr, steps: u32) -> String {
    let mut listed = String::new();
    for step in 0..steps {
        let comma = if step == 0 { "" } else { "," };
        write!(
            listed,
            r#"{comma}{{"action":"http://{branches}/a/{step}","compensate":"http://{branches}/c/{step}"}}"#
        )
        .ok(); // a String takes everything
    }
    let payloads = vec![r#""{\"account\":\"alice\",\"amount\":30}""#; steps as usize].join(",");
    format!(r#","trans_type":"saga","steps":[{listed}],"payloads":[{payloads}]}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_a_submit_is_what_clients_send() {
        let body = format!("{{\"gid\":\"g\"{}", after_gid("127.0.0.1:80".parse().unwrap(), 2));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["gid"], "g");
        assert_eq!(body["steps"][1]["action"], "http://127.0.0.1:80/a/1");
        assert_eq!(body["payloads"].as_array().unwrap().len(), 2);
        assert_eq!(body["payloads"][0], r#"{"account":"alice","amount":30}"#);
    }
}

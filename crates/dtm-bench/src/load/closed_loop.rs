//! The closed loop: each client has one transaction under way and submits the next when it has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinSet;

use super::grpc_client::{GrpcClient, grpc_requests};
use super::http_client::{HttpClient, http_requests};
use super::{Branches, Connection, Ledger, Mode};
use crate::arguments::Protocol;
use crate::server::ServerProcess;

/// What to submit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) mode: Mode,
    pub(crate) protocol: Protocol,
    pub(crate) clients: u32,
    pub(crate) count: u32,
    pub(crate) steps: u32,
}

/// Runs a load against the server and returns the record of it. The name has no `-`.
pub(crate) async fn drive(
    name: &str,
    load: Load,
    server: &ServerProcess,
    branches: &Branches,
) -> crate::Result<Arc<Ledger>> {
    let callers = callers(load, server, branches).await?;
    let ledger = Arc::new(Ledger::new(name, load.count, load.steps, load.clients));
    branches.write_to(&ledger);
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for (client, caller) in (0..).zip(callers) {
        let client = Client { number: client, caller, ledger: Arc::clone(&ledger) };
        clients.spawn(client.run(Arc::clone(&next)));
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

async fn callers(load: Load, server: &ServerProcess, branches: &Branches) -> crate::Result<Vec<Caller>> {
    let Load { mode, steps, .. } = load;
    let mut callers = Vec::new();
    match load.protocol {
        Protocol::Http => {
            let requests = http_requests(mode, steps, branches.addresses.good);
            for _ in 0..load.clients {
                let connection = Connection::open(server.http).await?;
                callers.push(Caller::Http(HttpClient { connection, requests: Arc::clone(&requests) }));
            }
        }
        Protocol::Grpc => {
            let requests = grpc_requests(mode, steps, branches.addresses.grpc);
            let address = server.grpc.ok_or("the server does not say where it listens for gRPC")?;
            for _ in 0..load.clients {
                callers.push(Caller::Grpc(GrpcClient::open(address, Arc::clone(&requests)).await?));
            }
        }
    }
    Ok(callers)
}

/// A client of either protocol.
enum Caller {
    Http(HttpClient),
    Grpc(GrpcClient),
}

impl Caller {
    async fn run(&mut self, gid: &str) -> crate::Result {
        match self {
            Self::Http(client) => client.run(gid).await,
            Self::Grpc(client) => client.run(gid).await,
        }
    }
}

struct Client {
    number: u32,
    caller: Caller,
    ledger: Arc<Ledger>,
}

impl Client {
    async fn run(mut self, next: Arc<AtomicU32>) -> crate::Result {
        loop {
            let transaction = next.fetch_add(1, Relaxed);
            if transaction as usize >= self.ledger.count() {
                return Ok(());
            }
            let gid = self.ledger.gid(transaction, self.number);
            self.ledger.submits(transaction);
            self.caller.run(&gid).await?;
            self.ledger.ended(self.number).await;
        }
    }
}

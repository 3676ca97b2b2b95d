//! The closed loop: each client has one transaction under way and submits the next when it has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::grpc_client::{GrpcClient, grpc_requests};
use super::http_client::{Dialect, HttpClient, http_requests};
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
    /// What the server expects in a body.
    pub(crate) dialect: Dialect,
    /// No transaction is begun after this time; `None`: all `count` are.
    pub(crate) time: Option<Duration>,
    /// After how long a transaction counts as lost and its client goes on; requests that are refused count too.
    /// `None`: clients wait for ever, and a request that is refused ends the load.
    pub(crate) patience: Option<Duration>,
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
    let until = load.time.map(|time| Instant::now() + time);
    let mut clients = JoinSet::new();
    for (client, caller) in (0..).zip(callers) {
        let (until, patience) = (until, load.patience);
        let client = Client { number: client, caller, ledger: Arc::clone(&ledger), until, patience };
        clients.spawn(client.run(Arc::clone(&next)));
    }
    let progress = async {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let begun = next.load(Relaxed).min(load.count);
            match load.time {
                Some(_) => eprintln!("  {name}: {begun} begun"),
                None => eprintln!("  {name}: {begun} of {}", load.count),
            }
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
    ledger.ends_at(next.load(Relaxed).min(load.count));
    Ok(ledger)
}

async fn callers(load: Load, server: &ServerProcess, branches: &Branches) -> crate::Result<Vec<Caller>> {
    let Load { mode, steps, .. } = load;
    let mut callers = Vec::new();
    match load.protocol {
        Protocol::Http => {
            let requests = http_requests(load.dialect, mode, steps, branches.addresses.good);
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

    /// After a refusal the connection may be closed.
    async fn reopen(&mut self) -> crate::Result {
        match self {
            Self::Http(client) => client.connection.reopen().await,
            Self::Grpc(_) => Ok(()),
        }
    }
}

struct Client {
    number: u32,
    caller: Caller,
    ledger: Arc<Ledger>,
    until: Option<Instant>,
    patience: Option<Duration>,
}

impl Client {
    async fn run(mut self, next: Arc<AtomicU32>) -> crate::Result {
        loop {
            if self.until.is_some_and(|until| Instant::now() >= until) {
                return Ok(());
            }
            let transaction = next.fetch_add(1, Relaxed);
            if transaction as usize >= self.ledger.count() {
                return Ok(());
            }
            self.transaction(transaction).await?;
        }
    }

    async fn transaction(&mut self, transaction: u32) -> crate::Result {
        let gid = self.ledger.gid(transaction, self.number);
        self.ledger.submits(transaction, self.number);
        let Some(patience) = self.patience else {
            self.caller.run(&gid).await?;
            self.ledger.ended(transaction, self.number).await;
            return Ok(());
        };
        if let Err(error) = self.caller.run(&gid).await {
            if self.ledger.refused() == 0 {
                eprintln!("  {gid} was refused: {error}");
            }
            return self.caller.reopen().await;
        }
        // What was not called by then is missing in the ledger, and reported.
        tokio::time::timeout(patience, self.ledger.ended(transaction, self.number)).await.ok();
        Ok(())
    }
}

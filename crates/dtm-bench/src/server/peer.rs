//! How other transaction managers are started: their own best settings, logs at `warn` like ours.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use tokio::process::Command;

use super::ServerProcess;
use crate::arguments::{Peer, PeerKind};
use crate::data::DataPlace;

/// Starts a peer on a fresh place; it runs in `folder`, where its embedded store lies.
pub(crate) async fn start_peer(
    peer: &Peer,
    data: &DataPlace,
    folder: &Path,
    tables: Option<&Path>,
    more: &[(PeerKind, String, String)],
) -> crate::Result<ServerProcess> {
    let binary = peer.binary.canonicalize().map_err(|error| format!("{}: {error}", peer.binary.display()))?;
    let (http, grpc) = free_ports()?;
    let mut command = Command::new(binary);
    command.current_dir(folder);
    match peer.kind {
        PeerKind::Dtm => {
            if let DataPlace::Mysql(_) | DataPlace::Postgres(_) = data {
                let tables = tables.ok_or("DTM needs its tables: --dtm-tables FOLDER")?;
                data.prepare(tables).await?;
            }
            // DTM's default of 500 connections is more than the PostgreSQL of tests/services accepts (200): past that
            // it loses its own requests. Progress of branches is written asynchronously, its faster way.
            command
                .envs(data.environment(true))
                .env("HTTP_PORT", http.port().to_string())
                .env("GRPC_PORT", grpc.port().to_string())
                .env("STORE_MAX_OPEN_CONNS", "150")
                .env("STORE_MAX_IDLE_CONNS", "150")
                .env("UPDATE_BRANCH_SYNC", "0")
                .env("LOG_LEVEL", "warn")
                .env("GIN_MODE", "release");
        }
        PeerKind::Dtmrs => {
            // Its defaults are what its authors measured as best: 32 connections, 16 workers, driven at submit.
            command
                .env("DTMRS_DB", data.url())
                .env("DTMRS_ADDR", http.to_string())
                .env("DTMRS_GRPC_ADDR", grpc.to_string())
                .env("RUST_LOG", "warn");
        }
    }
    let own = more.iter().filter(|(kind, _, _)| *kind == peer.kind);
    command.envs(own.map(|(_, name, value)| (name, value)));
    let log = folder.join(format!("{}.log", peer.kind.name()));
    ServerProcess::start_peer(command, http, &log).await
}

/// Two ports that are free now: peers cannot choose one themselves and say which.
fn free_ports() -> crate::Result<(SocketAddr, SocketAddr)> {
    let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?, two.local_addr()?))
}

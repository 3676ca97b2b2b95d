//! The transaction manager: inside this program, or as a process of its own that can be killed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dtm_server::config::{Config, GrpcConfig, HttpConfig, StoreConfig};
use dtm_server::server::Server;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// The argument that makes this program the transaction manager.
pub(crate) const CHILD: &str = "--act-as-manager";

/// Starts a manager on the embedded store in `folder`, on ports that are free.
pub(crate) async fn in_process(folder: PathBuf) -> crate::Result<Server> {
    let config = Config {
        http: HttpConfig { port: 0, ..HttpConfig::default() },
        grpc: GrpcConfig { port: 0, ..GrpcConfig::default() },
        store: StoreConfig { path: folder, ..StoreConfig::default() },
        ..Config::default()
    };
    Ok(Server::start(config).await?)
}

/// The address that a client needs.
pub(crate) fn address_of(manager: &Server) -> String {
    format!("http://{}/api/dtmsvr", manager.http_address())
}

/// A manager in a process of its own. It ends with this program, whatever happens.
pub(crate) struct ServerProcess {
    child: Child,
    address: String,
}

impl ServerProcess {
    /// Starts this program as a manager and waits until it listens.
    pub(crate) async fn start(folder: &Path) -> crate::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([OsStr::new(CHILD), folder.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("the manager has no output")?;
        let address = BufReader::new(output).lines().next_line().await?;
        let address = address.ok_or("the manager ended before it listened")?;
        Ok(Self { child, address })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `kill -9`: no warning, nothing can be saved.
    pub(crate) async fn kill(mut self) -> crate::Result {
        Ok(self.child.kill().await?)
    }
}

/// What the child does: it tells its address, and serves until its parent is gone.
pub(crate) async fn run_child(folder: Option<PathBuf>) -> crate::Result {
    let manager = in_process(folder.ok_or("the manager needs a folder")?).await?;
    println!("{}", address_of(&manager));
    let mut until_parent_is_gone = Vec::new();
    tokio::io::stdin().read_to_end(&mut until_parent_is_gone).await?;
    Ok(manager.stop().await?)
}

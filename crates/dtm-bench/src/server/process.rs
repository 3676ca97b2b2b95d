//! A server in a process of its own, so that the kernel counts its CPU and memory apart from ours.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::data::DataPlace;
use crate::kernel;

/// A running server. It is killed when this is dropped.
pub(crate) struct ServerProcess {
    pub(crate) http: SocketAddr,
    /// `None` when it does not say that it speaks gRPC.
    pub(crate) grpc: Option<SocketAddr>,
    pid: u32,
    child: Child,
    /// The floor ends when this is closed, also when we are killed.
    _stdin: Option<ChildStdin>,
}

impl ServerProcess {
    /// Starts the real server; its log is `NAME.log` inside `folder`.
    pub(crate) async fn start_real(
        binary: &Path,
        folder: &Path,
        name: &str,
        data: &DataPlace,
        arguments: &[String],
    ) -> crate::Result<Self> {
        let mut command = Command::new(binary);
        command
            .args(["--listen", "127.0.0.1", "--http-port", "0", "--grpc-port", "0"])
            .args(arguments)
            .envs(data.environment(false))
            .current_dir(folder);
        Self::start(command, &folder.join(format!("{name}.log"))).await
    }

    /// Starts another transaction manager, which listens where its command says.
    pub(crate) async fn start_peer(
        mut command: Command,
        http: SocketAddr,
        log: &Path,
    ) -> crate::Result<Self> {
        let file = File::create(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{:?} cannot be started: {error}", command.as_std().get_program()))?;
        let pid = child.id().ok_or("it has ended")?;
        let deadline = Instant::now() + Duration::from_secs(30);
        // No server but ours says when it is ready.
        while TcpStream::connect(http).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(explain(&format!("it ended: {status}"), log).into());
            }
            if Instant::now() > deadline {
                return Err(explain("it does not listen after 30 s", log).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { http, grpc: None, pid, child, _stdin: None })
    }

    /// Kills it, as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(mut self) -> crate::Result {
        Ok(self.child.kill().await?)
    }

    /// Starts the floor.
    pub(crate) async fn start_floor(folder: &Path) -> crate::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("floor-server");
        Self::start(command, &folder.join("floor.log")).await
    }

    async fn start(mut command: Command, log: &PathBuf) -> crate::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{:?} cannot be started: {error}", command.as_std().get_program()))?;
        let output = child.stdout.take().ok_or("the server has no output")?;
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(output).lines();
        let listening = async {
            let (mut http, mut grpc) = (None, None);
            while let Some(line) = lines.next_line().await? {
                http = http.or_else(|| address_in(&line));
                grpc = grpc.or_else(|| grpc_address_in(&line));
                if let (Some(http), Some(_)) = (http, grpc) {
                    return Ok((http, grpc));
                }
            }
            Err::<_, crate::Error>("it ended before it listened".into())
        };
        let (http, grpc) = match timeout(Duration::from_secs(30), listening).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Err(explain(&error.to_string(), log).into()),
            Err(_) => return Err(explain("it did not say where it listens within 30 s", log).into()),
        };
        // Whatever it still says must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let pid = child.id().ok_or("the server has ended")?;
        Ok(Self { http, grpc, pid, child, _stdin: stdin })
    }

    /// CPU time that the server has used so far.
    pub(crate) fn cpu_time(&self) -> crate::Result<Duration> {
        kernel::cpu_time(self.pid)
    }

    /// The most memory that the server has ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> crate::Result<u64> {
        kernel::peak_memory(self.pid)
    }
}

/// The `ADDRESS:PORT` of `http://ADDRESS:PORT` in a line.
fn address_in(line: &str) -> Option<SocketAddr> {
    address_after("http://", line)
}

/// The `ADDRESS:PORT` of `grpc://ADDRESS:PORT` in a line.
fn grpc_address_in(line: &str) -> Option<SocketAddr> {
    address_after("grpc://", line)
}

fn address_after(scheme: &str, line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(scheme)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]".contains(c))).unwrap_or(rest.len());
    rest[..end].trim_end_matches(['.', ':']).parse().ok()
}

fn explain(what: &str, log: &Path) -> String {
    let said = std::fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    format!("the server does not start: {what}\n{}", said.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_the_server_says() {
        for line in [
            "http://127.0.0.1:36789",
            "listening on http://127.0.0.1:36789.",
            "HTTP:  http://127.0.0.1:36789/api/dtmsvr (HTTP)",
        ] {
            assert_eq!(address_in(line), Some("127.0.0.1:36789".parse().unwrap()), "{line}");
        }
        let line = "listening on grpc://127.0.0.1:36790 (dtmgimp.Dtm, reflection, health)";
        assert_eq!(
            (address_in(line), grpc_address_in(line)),
            (None, Some("127.0.0.1:36790".parse().unwrap()))
        );
        assert_eq!(grpc_address_in("listening on http://127.0.0.1:36789"), None);
        assert_eq!(address_in("data in ./dtm-data"), None);
        assert_eq!(address_in("see http://example.org"), None);
    }
}

//! One server process and its log.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::Client;
use super::grpc::{self, Grpc};
use super::{PATIENCE, Place, binary};

/// A running server. Killed when dropped; its log is printed when the test fails.
pub(crate) struct Server {
    child: Child,
    client: Client,
    ports: Ports,
    settings: Settings,
    place: Arc<Place>,
    log: Log,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
struct Ports {
    http: u16,
    grpc: u16,
}

impl Ports {
    /// Whichever are free.
    const FREE: Self = Self { http: 0, grpc: 0 };
}

/// How a server is started: environment variables by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    variables: Vec<(&'static str, String)>,
    file_bytes_max: Option<u64>,
}

/// A process that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Settings {
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.variables.push((name, value.to_string()));
        self
    }

    /// Every write beyond this size of a file fails, as on a full disk.
    pub(crate) fn with_small_disk(mut self, file_bytes_max: u64) -> Self {
        self.file_bytes_max = Some(file_bytes_max);
        self
    }

    pub(crate) async fn start(self) -> Server {
        self.start_at(&Arc::new(Place::new())).await
    }

    /// On a store that is there already, or that several servers are to share.
    pub(crate) async fn start_at(self, place: &Arc<Place>) -> Server {
        Server::start_on(Arc::clone(place), Ports::FREE, self).await
    }
}

impl Server {
    /// With its defaults, on a free port and in a folder of its own.
    pub(crate) async fn start() -> Self {
        Settings::default().start().await
    }

    async fn start_on(place: Arc<Place>, ports: Ports, settings: Settings) -> Self {
        let log = Log::default();
        let mut child = spawn(&place, ports, &settings, &log);
        let Some(ports) = log.ports(&mut child).await else {
            panic!("the server did not start:\n{}", log.text());
        };
        Self { child, client: Client::new(ports.http), ports, settings, place, log }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn port(&self) -> u16 {
        self.ports.http
    }

    pub(crate) fn grpc_port(&self) -> u16 {
        self.ports.grpc
    }

    /// A gRPC client with a connection of its own.
    pub(crate) fn grpc(&self) -> Grpc {
        Grpc::with_origin(grpc::channel(), grpc::origin(self.ports.grpc))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.place.data()
    }

    /// `kill -9`: nothing can be done about it, nothing is flushed.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("a running process can be killed");
    }

    /// SIGTERM, without waiting for the end.
    pub(crate) async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// SIGSTOP: the process stands still, and its connections stay open.
    pub(crate) async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// SIGCONT, after [`Server::pause`].
    pub(crate) async fn go_on(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the server runs").to_string();
        let signal = format!("-{name}");
        let sent = Command::new("kill").args([&signal, &pid]).status().await.expect("kill can be run");
        assert!(sent.success(), "SIG{name} was not sent");
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("the server does not end"))
            .expect("a child can be waited for");
        self.log.is_complete().await;
        Ended { status, log: self.log.text() }
    }

    /// SIGTERM, and waits for the end.
    pub(crate) async fn stop(&mut self) -> Ended {
        self.terminate().await;
        self.ended().await
    }

    /// Starts again on the same folder and ports, after the end of the process.
    pub(crate) async fn restart(&mut self) {
        let log = std::mem::take(&mut self.log);
        let next = Self::start_on(Arc::clone(&self.place), self.ports, self.settings.clone()).await;
        next.log.continues(&log);
        *self = next;
    }

    /// As [`Server::restart`]; whether it has started.
    pub(crate) async fn try_restart(&mut self) -> bool {
        let log = Log::default();
        log.continues(&self.log);
        let mut child = spawn(&self.place, self.ports, &self.settings, &log);
        let started = log.ports(&mut child).await.is_some();
        (self.child, self.log) = (child, log);
        started
    }

    /// Whether the process is there.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has written about one transaction.
    pub(crate) fn log_of(&self, gid: &str) -> String {
        let of =
            |line: &&str| line.split(|it: char| !it.is_alphanumeric() && it != '-').any(|word| word == gid);
        let log = self.log.text();
        log.lines().filter(of).collect::<Vec<_>>().join("\n")
    }

    /// The last lines that it has written.
    pub(crate) fn end_of_log(&self, count: usize) -> String {
        let log = self.log.text();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Does not print the log when the test fails.
    pub(crate) fn keep_quiet(&self) {
        self.log.0.text.lock().clear();
    }

    /// Starts another process on the same folder, which is expected to end by itself.
    pub(crate) async fn second_on_same_folder(&self) -> Ended {
        ends(&self.place, Ports::FREE, &self.settings).await
    }

    /// Starts another process on the same port, which is expected to end by itself.
    pub(crate) async fn second_on_same_port(&self) -> Ended {
        ends(&Place::new(), Ports { http: self.ports.http, ..Ports::FREE }, &self.settings).await
    }

    /// Starts another process on the same port for gRPC, which is expected to end by itself.
    pub(crate) async fn second_on_same_grpc_port(&self) -> Ended {
        ends(&Place::new(), Ports { grpc: self.ports.grpc, ..Ports::FREE }, &self.settings).await
    }

    /// The most memory that the process ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let pid = self.child.id().expect("the server runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc can be read");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM is there");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("VmHWM is a number") * 1_024
    }
}

impl std::ops::Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- log of the server on port {} ---\n{}---", self.ports.http, self.log.text());
        }
    }
}

async fn ends(place: &Place, ports: Ports, settings: &Settings) -> Ended {
    let log = Log::default();
    let mut child = spawn(place, ports, settings, &log);
    let Ok(status) = timeout(PATIENCE, child.wait()).await else {
        panic!("the process goes on:\n{}", log.text());
    };
    log.is_complete().await;
    Ended { status: status.expect("a child can be waited for"), log: log.text() }
}

fn spawn(place: &Place, ports: Ports, settings: &Settings, log: &Log) -> Child {
    let mut command = match settings.file_bytes_max {
        None => Command::new(binary::path()),
        Some(bytes) => {
            // The unit of ulimit -f in POSIX shells is 512 bytes; an ignored signal makes the write fail instead.
            let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, "sh"]).arg(binary::path());
            shell
        }
    };
    let mut child = command
        .arg("--http-port")
        .arg(ports.http.to_string())
        .arg("--grpc-port")
        .arg(ports.grpc.to_string())
        .arg("--data")
        .arg(place.data())
        .env_clear()
        .envs(place.variables())
        .envs(settings.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the server can be started");
    log.follow(child.stdout.take().expect("stdout is piped"));
    log.follow(child.stderr.take().expect("stderr is piped"));
    child
}

/// What a process writes on both of its outputs.
#[derive(Clone, Default)]
struct Log(Arc<Lines>);

struct Lines {
    text: Mutex<String>,
    /// Changes with every line, and counts the outputs that are still open.
    written: watch::Sender<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { text: Mutex::default(), written: watch::Sender::new(0) }
    }
}

impl Log {
    fn follow(&self, output: impl AsyncRead + Unpin + Send + 'static) {
        let log = self.clone();
        log.0.written.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.0.text.lock().extend([line.as_str(), "\n"]);
                log.0.written.send_modify(|_| {});
            }
            log.0.written.send_modify(|open| *open -= 1);
        });
    }

    fn text(&self) -> String {
        self.0.text.lock().clone()
    }

    fn continues(&self, earlier: &Self) {
        let earlier = earlier.text();
        self.0.text.lock().insert_str(0, &format!("{earlier}--- started again ---\n"));
    }

    /// Waits until both outputs are closed.
    async fn is_complete(&self) {
        let mut written = self.0.written.subscribe();
        let closed = written.wait_for(|open| *open == 0);
        timeout(Duration::from_secs(5), closed).await.expect("the outputs of a dead process close").unwrap();
    }

    /// The ports on which the process says that it listens; `None` when it ends before.
    async fn ports(&self, child: &mut Child) -> Option<Ports> {
        let mut written = self.0.written.subscribe();
        let listening = async {
            loop {
                written.borrow_and_update();
                if let Some(ports) = ports_in(&self.text()) {
                    return ports;
                }
                written.changed().await.expect("the log lives as long as the server");
            }
        };
        tokio::select! {
            ports = timeout(PATIENCE, listening) => ports.ok(),
            _ = child.wait() => None,
        }
    }
}

fn ports_in(log: &str) -> Option<Ports> {
    let port = |before: &str| {
        let (_, rest) = log.split_once(before)?;
        let (digits, _) = rest.split_once(' ')?;
        digits.parse().ok()
    };
    Some(Ports {
        http: port("listening on http://127.0.0.1:")?,
        grpc: port("listening on grpc://127.0.0.1:")?,
    })
}

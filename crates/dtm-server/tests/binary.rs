//! The binary from outside: what it prints, when it ends, and with which code.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop the test when something is off"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtm-server"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// How long a process may take that should end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the binary to its end. A server that starts although it should not fails the test instead of blocking it.
fn output(folder: &TempDir, arguments: &[&str]) -> Output {
    let child =
        command(folder.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        signal(id, "KILL");
        panic!("the process should have ended: {arguments:?}")
    })
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap().success());
}

/// A running server; killed when it is dropped.
struct Running {
    child: Child,
    greeting: Vec<String>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child =
            command(folder).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting = lines.take(4).map(Result::unwrap).collect();
        Self { child, greeting }
    }

    fn address(&self) -> &str {
        let (_, rest) = self.greeting[1].split_once("http://").unwrap();
        rest.split(' ').next().unwrap()
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn it_says_what_it_is_where_it_listens_and_where_data_live() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path(), &["--http-port", "0", "--grpc-port", "0", "--data", "data"]);
    let version = env!("CARGO_PKG_VERSION");
    assert!(server.greeting[0].starts_with(&format!("dtm-server {version}: ")), "{:?}", server.greeting);
    // decision 25: on this machine only, unless configured
    assert!(server.greeting[1].starts_with("listening on http://127.0.0.1:"), "{:?}", server.greeting);
    assert!(server.greeting[2].starts_with("listening on grpc://127.0.0.1:"), "{:?}", server.greeting);
    let data = folder.path().canonicalize().unwrap().join("data");
    let store = format!("store: sled in {}, for this server and this machine only", data.display());
    assert_eq!(server.greeting[3], store);
    assert!(data.is_dir());
    assert!(server.get("/api/ping").ends_with("{\"msg\":\"pong\"}"));
    assert!(server.get("/api/metrics").contains("\ndtm_server_info{"));
}

#[test]
fn sigterm_and_sigint_end_it_with_code_0() {
    // decision 28
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Running::start(folder.path(), &["--http-port", "0", "--grpc-port", "0"]);
        server.signal(signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_port_that_is_taken_stops_the_start() {
    // defect M16
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = output(&folder, &["--http-port", &port, "--grpc-port", "0"]);
    assert_eq!(ended.status.code(), Some(1));
    let message = text(&ended.stderr);
    assert!(message.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{message}");
    assert!(ended.stdout.is_empty(), "nothing claims that it listens: {}", text(&ended.stdout));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Running::start(folder.path(), &["--http-port", "0", "--grpc-port", "0"]);
    let second = output(&folder, &["--http-port", "0", "--grpc-port", "0"]);
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("dtm-data"), "{}", text(&second.stderr));
}

#[test]
fn a_wrong_file_ends_it_with_code_1_and_a_wrong_flag_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conf.yml"), "HttpPort: many\n").unwrap();
    let file = output(&folder, &["-c", "conf.yml", "--check-config"]);
    assert_eq!(file.status.code(), Some(1));
    assert_eq!(
        text(&file.stderr),
        "dtm-server: conf.yml line 1: HttpPort = 'many': this is not a port; allowed is a port from 0 to 65535; \
         0 means any free one\n"
    );
    for arguments in [["--http-port", "many"], ["--http-prot", "1"], ["-r", "-d"]] {
        let flag = output(&folder, &arguments);
        assert_eq!(flag.status.code(), Some(2), "{arguments:?}");
        assert!(flag.stdout.is_empty() && !flag.stderr.is_empty());
    }
}

#[test]
fn checking_and_printing_a_configuration_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conf.yml"), "JsonRpcPort: 1\nStore: {Password: s3cret}\n").unwrap();
    let check = output(&folder, &["-c", "conf.yml", "--check-config"]);
    assert_eq!(check.status.code(), Some(0));
    let said = text(&check.stdout);
    assert!(said.starts_with("settings without effect: JsonRpcPort (conf.yml line 1: "), "{said}");
    assert!(said.ends_with("\nthe configuration is right\n") && !said.contains("s3cret"), "{said}");
    let print = output(&folder, &["-c", "conf.yml", "--print-config"]);
    assert_eq!(print.status.code(), Some(0));
    assert!(text(&print.stdout).contains("HttpPort = 36789  (default)\n"));
    assert!(!folder.path().join("dtm-data").exists(), "no store was opened");
}

#[test]
fn settings_that_the_log_reports_never_contain_a_secret() {
    // defect R19
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("conf.yml"),
        "Store: {Password: s3cret, Driver: boltdb}\nAlertWebHook: http://127.0.0.1:9/s3cret\n\
         LogLevel: trace\nLog: {Outputs: dtm.log}\n",
    )
    .unwrap();
    let mut server =
        Running::start(folder.path(), &["-c", "conf.yml", "--http-port", "0", "--grpc-port", "0"]);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("dtm.log")).unwrap();
    assert!(
        log.contains("settings without effect: Store.Password") && log.contains("boltdb means sled"),
        "{log}"
    );
    assert!(!log.contains("s3cret"), "{log}");
}

//! The tutorial, played as its page tells it: the programs say what the page says that they say.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Far longer than any step takes.
const STEP_MAX: Duration = Duration::from_secs(60);
/// In place of the 35 seconds of the page, to be done sooner. Long enough to start a server anew on a busy machine.
const TIME_TO_SUBMIT: &str = "20";

/// A program that runs, and is killed when it is dropped.
struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// The next line with `part` in it.
    async fn until(&mut self, part: &str) -> String {
        loop {
            let line = timeout(STEP_MAX, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("waited for {part:?} in vain")).expect("text");
            let line = line.unwrap_or_else(|| panic!("it ended without {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("what runs can be killed");
    }
}

/// The folder of the reader, with the programs, and the page to compare with.
struct Desk {
    programs: PathBuf,
    folder: TempDir,
    page: String,
    addresses: [(&'static str, String); 3],
}

impl Desk {
    fn start(&self, name: &str, arguments: &[&str]) -> Program {
        let program = self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(arguments).kill_on_drop(true);
        command.env("TIMEOUT_TO_FAIL", TIME_TO_SUBMIT).stdin(Stdio::piped()).stdout(Stdio::piped());
        for (name, address) in &self.addresses {
            command.env(name, address);
        }
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Program { child, lines }
    }

    /// What the page calls by the addresses that its reader has.
    fn as_on_the_page(&self, line: &str) -> String {
        let [_, (_, bank_a), (_, bank_b)] = &self.addresses;
        line.replace(bank_a.as_str(), "http://127.0.0.1:8081")
            .replace(bank_b.as_str(), "http://127.0.0.1:8082")
            .replace(&format!("after {TIME_TO_SUBMIT} seconds"), "after 35 seconds")
    }

    fn expect_on_the_page(&self, line: &str) {
        let line = self.as_on_the_page(line);
        assert!(self.page.lines().any(|it| it == line), "the page does not say: {line}");
    }

    /// Sends money without a pause, and has the page say the same.
    async fn send(&self, arguments: &str, expected: &str) {
        let mut send = self.start("send", &arguments.split(' ').collect::<Vec<_>>());
        let line = send.until("").await;
        assert!(line.contains(expected), "send {arguments}: expected {expected:?}, found {line:?}");
        self.expect_on_the_page(&line);
    }

    /// Sends money up to the moment in which both banks have agreed.
    async fn pause(&self, gid: &str) -> Program {
        let mut send = self.start("send", &[gid, "alice", "bob", "10", "--pause"]);
        send.until(&format!("{gid}: both banks have agreed. Press Enter to submit.")).await;
        send
    }

    /// The bank says all of this, in this order, as on the page.
    async fn hear(&self, bank: &mut Program, lines: &[&str]) {
        for expected in lines {
            let line = bank.until("[").await;
            assert_eq!(&line, expected);
            self.expect_on_the_page(&line);
        }
    }
}

async fn press_enter(send: &mut Program) -> String {
    let input = send.child.stdin.as_mut().expect("it is piped");
    input.write_all(b"\n").await.expect("it waits for Enter");
    send.until("").await
}

fn address_of(line: &str) -> String {
    let from = line.find("http://").unwrap_or_else(|| panic!("no address: {line}"));
    line[from..].split(' ').next().expect("there is a first word").to_owned()
}

#[tokio::test]
async fn the_tutorial_goes_as_its_page_says() {
    let examples = super::built().await;
    let programs = examples.parent().expect("target/<profile>/examples has a parent").to_owned();
    let page = std::fs::read_to_string(super::workspace().join("docs/tutorial.md")).expect("there is a page");
    let folder = TempDir::new().expect("a temporary folder can be made");
    let none = || String::new();
    let addresses = [("DTM", none()), ("BANK_A", none()), ("BANK_B", none())];
    let mut desk = Desk { programs, folder, page, addresses };

    let mut server = desk.start("dtm-server", &["--http-port", "0", "--grpc-port", "0"]);
    let manager = address_of(&server.until("listening on http://").await);
    let mut alice = desk.start("bank", &["alice", "100", "0"]);
    let bank_a = address_of(&alice.until("listens").await);
    let mut bob = desk.start("bank", &["bob", "20", "0"]);
    let bank_b = address_of(&bob.until("listens").await);
    let port = |address: &str| address.rsplit(':').next().expect("a port").to_owned();
    let (port_of_manager, port_of_bob) = (port(&manager), port(&bank_b));
    desk.addresses =
        [("DTM", format!("{manager}/api/dtmsvr")), ("BANK_A", bank_a.clone()), ("BANK_B", bank_b.clone())];

    // 5
    desk.send("transfer-1 alice bob 30", "done everywhere").await;
    desk.hear(
        &mut alice,
        &["[transfer-1 try] freeze 30 euros of alice", "[transfer-1 confirm] take 30 euros of alice"],
    )
    .await;
    desk.hear(
        &mut bob,
        &["[transfer-1 try] accept 30 euros of bob", "[transfer-1 confirm] add 30 euros of bob"],
    )
    .await;
    desk.send("transfer-1 alice bob 30", "was done before").await;

    // 6
    desk.send("transfer-2 alice bob 500", "said no").await;
    let no = [
        "[transfer-2 try] roll back: cannot freeze 500 euros of alice",
        "[transfer-2 cancel] nothing to do: NothingToUndo",
    ];
    desk.hear(&mut alice, &no).await;
    desk.send("transfer-3 alice carol 30", "said no").await;
    desk.send("transfer-3 alice carol 30", "was rolled back").await;
    let undone =
        ["[transfer-3 try] freeze 30 euros of alice", "[transfer-3 cancel] release 30 euros of alice"];
    desk.hear(&mut alice, &undone).await;

    // 7: a bank dies
    let mut send = desk.pause("transfer-4").await;
    bob.kill().await;
    let said = press_enter(&mut send).await;
    assert!(said.contains("has not ended yet"), "{said}");
    desk.expect_on_the_page(&said);
    let mut bob = desk.start("bank", &["bob", "20", &port_of_bob]);
    bob.until("listens").await;
    desk.hear(&mut bob, &["[transfer-4 confirm] add 10 euros of bob"]).await;
    alice.until("[transfer-4 confirm] take 10 euros of alice").await;

    // 7: the server dies
    let mut send = desk.pause("transfer-5").await;
    server.kill().await;
    let said = press_enter(&mut send).await;
    assert!(said.contains("it is unknown whether transaction transfer-5 was accepted"), "{said}");
    let mut server = desk.start("dtm-server", &["--http-port", &port_of_manager, "--grpc-port", "0"]);
    server.until("listening on http://").await;
    desk.send("transfer-5 alice bob 10", "done everywhere").await;
    let repeated = [
        "[transfer-5 try] freeze 10 euros of alice",
        "[transfer-5 try] nothing to do: Repeated",
        "[transfer-5 confirm] take 10 euros of alice",
    ];
    desk.hear(&mut alice, &repeated).await;

    // 7: the caller dies
    desk.pause("transfer-6").await.kill().await;
    let cancelled =
        ["[transfer-6 try] freeze 10 euros of alice", "[transfer-6 cancel] release 10 euros of alice"];
    desk.hear(&mut alice, &cancelled).await;
    bob.until("[transfer-6]").await;
    desk.send("transfer-6 alice bob 10", "was rolled back").await;

    let balance = async |bank: &str, account: &str| {
        let url = format!("{bank}/account/{account}");
        reqwest::get(url).await.expect("the bank answers").text().await.expect("text")
    };
    assert_eq!(balance(&bank_a, "alice").await, "alice: balance 50, frozen 0\n");
    assert_eq!(balance(&bank_b, "bob").await, "bob: balance 70, frozen 0\n");
}

//! Kills a process and starts it again.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpSocket;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::diary::Diary;
use super::process::{TEST, TOLD, Told};
use crate::harness::PATIENCE;

/// How long a process lives after it is inside its first transaction, at most.
const LIFE: Duration = Duration::from_millis(300);

/// The address of one process, through all of its lives.
pub(super) struct Supervisor {
    /// Nobody else gets its port while the process is dead, and who calls then waits for the next one.
    listener: TcpListener,
}

/// A process that runs. Killed when dropped.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

/// A process that serves, and begins nothing. Killed when dropped.
pub(super) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Supervisor {
    pub(super) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
        // What does not fit waits for the kernel to try again, for up to a minute.
        let listener = socket.listen(4_096).expect("a socket can listen");
        Self { listener: listener.into_std().expect("a listener is one of the standard library, too") }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("a listener has an address"))
    }

    /// Starts it for as long as the answer lives.
    pub(super) fn serve(&self, told: &Told) -> Serving {
        let mut running = self.start(told);
        Serving(tokio::spawn(async move {
            let mut diary = Diary::default();
            running.follow(&mut diary, |_, _| false).await;
            let status = running.child.wait().await;
            println!("a process has ended by itself: {status:?} {}", diary.rest);
        }))
    }

    fn start(&self, told: &Told) -> Running {
        let socket: OwnedFd = self.listener.try_clone().expect("a socket can be duplicated").into();
        let mut child = Command::new(std::env::current_exe().expect("a process knows its executable"))
            .args([TEST, "--exact", "--ignored", "--nocapture"])
            .env(TOLD, serde_json::to_string(told).expect("it is JSON"))
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the application can be started");
        let lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        Running { child, lines }
    }

    /// Starts and kills it so many times.
    pub(super) async fn kill(&self, mut told: Told, kills: usize) -> Diary {
        let mut rng = StdRng::seed_from_u64(told.seed ^ told.number as u64);
        let mut diary = Diary::default();
        for life in 0..kills {
            told.life = life;
            let mut running = self.start(&told);
            // The first one lives until something has ended well.
            let enough = |diary: &Diary, inside| if life == 0 { diary.has_done() } else { inside };
            let begun = timeout(PATIENCE, running.follow(&mut diary, enough)).await;
            assert_eq!(begun, Ok(true), "it gets nowhere: {}", diary.rest);
            let death = Instant::now() + rng.random_range(Duration::ZERO..LIFE);
            // The time-out is the death.
            let ended = timeout_at(death, running.follow(&mut diary, |_, _| false)).await;
            assert!(ended.is_err(), "it has ended by itself: {}", diary.rest);
            running.child.kill().await.expect("a running process can be killed");
            running.follow(&mut diary, |_, _| false).await;
            diary.has_died();
        }
        diary
    }
}

impl Running {
    /// Reads what it says up to its end, or until it is `enough`, which is told whether the last line says that it is inside a
    /// transaction; whether it was enough.
    async fn follow(&mut self, diary: &mut Diary, enough: impl Fn(&Diary, bool) -> bool) -> bool {
        while let Ok(Some(line)) = self.lines.next_line().await {
            let inside = diary.write(&line);
            if enough(diary, inside) {
                return true;
            }
        }
        false
    }
}

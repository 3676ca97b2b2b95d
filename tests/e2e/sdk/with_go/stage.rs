//! The server, the databases, and the branch in both languages.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use dtm_barrier::{BranchBarrier, BranchError, BranchOp, BranchResult, Done};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::{MySqlConnection, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::super::banks::{Addresses, Bank, Banks, Booking, book_mysql, book_postgres};
use crate::harness::Server;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Go,
    Rust,
}

impl Language {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Rust => "rust",
        }
    }
}

/// What a branch is told, in either language.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) account: i64,
    pub(super) cents: i64,
    /// Whether it says no.
    pub(super) refuses: bool,
    /// Whether its first answer gets lost, though the work is done. That of a try would be the end of a TCC.
    pub(super) loses: bool,
}

pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) banks: Arc<Accounts>,
    pub(super) run: String,
    addresses: Addresses,
    rust: String,
    go: String,
    _go: Child,
}

/// What the branch in Rust has.
pub(super) struct Accounts {
    pub(super) banks: Banks,
    lost: Mutex<HashSet<(String, String, BranchOp)>>,
}

impl Stage {
    /// `None`, after saying so, when a database does not run.
    pub(super) async fn open() -> Option<Self> {
        let run = format!("g{:08x}", rand::random::<u32>());
        let addresses = Addresses::make(&run).await?;
        let server = Server::start().await;
        let accounts = Accounts { banks: addresses.open().await, lost: Mutex::default() };
        let banks = Arc::new(accounts);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rust = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/account/{bank}", post(account)).with_state(Arc::clone(&banks));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let (child, go) = go(&server, "accounts", "", |command| {
            for bank in [Bank::Mysql, Bank::Postgres] {
                let name = format!("COMPAT_{}", bank.name().to_uppercase());
                command.env(name, addresses.for_go(bank));
            }
        })
        .await;
        Some(Self { server, banks, run, addresses, rust, go, _go: child })
    }

    /// Where that language serves the account.
    pub(super) fn url(&self, language: Language, bank: Bank) -> String {
        let root = if language == Language::Go { &self.go } else { &self.rust };
        format!("{root}/account/{}", bank.name())
    }

    /// After success.
    pub(super) async fn close(self) {
        self.banks.banks.assert_sound(&self.run).await;
        self.addresses.remove().await;
    }
}

/// Starts the Go program for one of its parts; it and the first line that it prints.
pub(super) async fn go(
    server: &Server,
    part: &str,
    gid: &str,
    with: impl FnOnce(&mut Command),
) -> (Child, String) {
    #[expect(clippy::disallowed_methods, reason = "an argument of the tests, not a setting of the server")]
    let program =
        std::env::var_os("GO_PROGRAM").expect("GO_PROGRAM is set by: bash tests/compat/run.sh mixed");
    let mut command = Command::new(program);
    command
        .env("DTM_HTTP", format!("http://127.0.0.1:{}", server.port()))
        .env("DTM_GRPC", format!("127.0.0.1:{}", server.grpc_port()))
        .env("COMPAT_PART", part)
        .env("COMPAT_PROTOCOL", "http")
        .env("COMPAT_GID", gid)
        .env("LOG_LEVEL", "error")
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    with(&mut command);
    let mut child = command.spawn().expect("the Go program can be started");
    let output = child.stdout.take().expect("stdout is piped");
    let line = BufReader::new(output).lines().next_line().await.unwrap().expect("it says something");
    (child, line)
}

async fn account(
    State(accounts): State<Arc<Accounts>>,
    Path(bank): Path<Bank>,
    mut barrier: BranchBarrier,
    Json(order): Json<Order>,
) -> BranchResult {
    let context = barrier.context().clone();
    let what = format!("rust {} {}", context.branch_id, context.op);
    let booking = Booking::of(&context.gid, &what, context.op, order.account, order.cents);
    let forward = matches!(context.op, BranchOp::Try | BranchOp::Action);
    let answer = || if order.refuses && forward { Err(BranchError::roll_back("no")) } else { Ok(()) };
    match bank {
        Bank::Mysql => {
            let business = async |connection: &mut MySqlConnection| {
                book_mysql(connection, &booking).await?;
                answer()
            };
            barrier.call(&accounts.banks.mysql, business).await?;
        }
        Bank::Postgres => {
            let business = async |connection: &mut PgConnection| {
                book_postgres(connection, &booking).await?;
                answer()
            };
            barrier.call(&accounts.banks.postgres, business).await?;
        }
    }
    let call = (context.gid.clone(), context.branch_id.clone(), context.op);
    if order.loses && context.op != BranchOp::Try && accounts.lost.lock().insert(call) {
        return Err(std::io::Error::other("the answer is lost").into());
    }
    Ok(Done)
}

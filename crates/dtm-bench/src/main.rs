//! Load generator: how many transactions a second, how soon, at what cost in CPU, memory and disk writes.
//!
//! `cargo run --release -p dtm-bench -- saga --store sled --clients 100 --count 20000 --floor`
//!
//! It hosts the branch services itself, starts the real server binary on an empty folder, and drives it over
//! HTTP or gRPC in a closed loop: each client submits a transaction, waits for the answer and for the last call
//! of a branch, and submits the next. Nothing is estimated: each branch call is counted, each transaction is looked up
//! afterwards, CPU and memory are what the kernel says about the server process.
//!
//! | module | what it holds |
//! |---|---|
//! | `arguments` | the command line |
//! | `scenario` | the order of events of a run |
//! | `load` | the closed loop, the branch services, and the ledger that both write to |
//! | `compare` | this server and its peers side by side: runs in turns, medians, table, picture |
//! | `figures` | cost against the size of the tables, fail-over, recovery, inside an application |
//! | `data` | a fresh folder, database or prefix for each server, and what the database counts |
//! | `server` | the server process: the real one, or the floor |
//! | `kernel` | what the kernel says about a process and the machine |
//! | `report` | the table and the JSON |

mod arguments;
mod compare;
mod data;
mod figures;
mod kernel;
mod load;
mod report;
mod scenario;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::arguments::{Arguments, Command, LoadArguments};
use crate::load::Mode;

/// The same as the server's, so that the floor is the floor of that server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Saga(arguments) => run(Mode::Saga, &arguments),
        Command::Msg(arguments) => run(Mode::Message, &arguments),
        Command::Tcc(arguments) => run(Mode::Tcc, &arguments),
        Command::Compare(arguments) => on_one_thread(compare::compare(&arguments)),
        Command::TableSize(arguments) => on_one_thread(figures::table_size(&arguments)),
        Command::Failover(arguments) => on_one_thread(figures::failover(&arguments)),
        Command::Recovery(arguments) => on_one_thread(figures::recovery(&arguments)),
        Command::Embedded(arguments) => figures::embedded(&arguments),
        Command::FloorServer => server::floor::serve(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dtm-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread drives the load, so that little CPU is taken from the server on the same machine.
fn on_one_thread(work: impl Future<Output = Result>) -> Result {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn run(mode: Mode, arguments: &LoadArguments) -> Result {
    on_one_thread(async {
        let limit = Duration::from_secs(arguments.time_limit);
        let report = tokio::time::timeout(limit, scenario::run(mode, arguments)).await.map_err(|_| {
            format!(
                "not done after {} seconds (--time-limit): the figures would mean nothing",
                arguments.time_limit
            )
        })??;
        report.print(arguments.json)
    })
}

//! The command lines of the further figures.

use clap::Args;

use super::{ServerArguments, Store};

/// Stores finished transactions and measures sagas again and again, one more time for each size.
#[derive(Debug, Args)]
pub(crate) struct TableSizeArguments {
    /// The store of the server.
    #[arg(long, value_enum, default_value_t = Store::Sled)]
    pub(crate) store: Store,
    /// Finished transactions before each measurement, rising, separated by commas. Databases are filled with
    /// set-based SQL, other stores through the server.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
    pub(crate) rows: Vec<u64>,
    /// Clients.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    /// How long each measurement lasts, in seconds; the median of three counts.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Measures sagas inside an application, whose coordinator and branches are in this very process, and the same against a
/// server over HTTP, in turns.
#[derive(Debug, Args)]
pub(crate) struct EmbeddedArguments {
    /// The store of both.
    #[arg(long, value_enum, default_value_t = Store::Sled)]
    pub(crate) store: Store,
    /// Clients; each has one transaction under way at a time.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    /// How long clients submit in each run, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,
    /// Steps of a saga.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) steps: u32,
    /// Transactions before the measurement.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) warm_up: u32,
    /// Runs of each; medians count.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Starts several servers on one store, opens transactions on the first, kills it, and measures when their branches
/// are called again.
#[derive(Debug, Args)]
pub(crate) struct FailoverArguments {
    /// The store, shared by the servers.
    #[arg(long, value_enum, default_value_t = Store::Postgres)]
    pub(crate) store: Store,
    /// Servers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=10))]
    pub(crate) servers: u32,
    /// Transactions that are open on the server that is killed.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) open: u32,
    /// Clients that load the second server meanwhile.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Opens transactions, kills the server, starts it again on the same data, and measures until all have ended.
#[derive(Debug, Args)]
pub(crate) struct RecoveryArguments {
    /// The store of the server.
    #[arg(long, value_enum, default_value_t = Store::Sled)]
    pub(crate) store: Store,
    /// Transactions that are open when the server is killed.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) open: u32,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

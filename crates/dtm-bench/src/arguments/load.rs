//! The command line of the loads.

use clap::{Args, ValueEnum};

use super::{ServerArguments, Store};

#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// The store of the server.
    #[arg(long, value_enum, default_value_t = Store::Sled)]
    pub(crate) store: Store,
    /// How the clients speak to the server, and the server to the branches.
    #[arg(long, value_enum, default_value_t = Protocol::Http)]
    pub(crate) protocol: Protocol,
    /// Clients; each has a connection of its own and one transaction under way at a time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    /// Transactions to measure.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) count: u32,
    /// Steps of a saga, branches of a message or TCC.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) steps: u32,
    /// Transactions before the measurement, on the same server.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) warm_up: u32,
    /// Also measure the floor, the same exchanges without a store, and print the ratio.
    #[arg(long)]
    pub(crate) floor: bool,
    /// Measure without, with, and again without this many transactions whose branch hangs, and print the
    /// ratio.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) hanging: u32,
    /// Let the branches hang on the address of the good ones instead of one of their own.
    #[arg(long, requires = "hanging")]
    pub(crate) hanging_same_listener: bool,
    /// How long the server waits for a hanging branch, in seconds. Small values add the load of retries.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub(crate) hanging_timeout: u32,
    /// Measure without, with, and again without this many transactions that are stuck on a host that refuses
    /// connections, and print the ratio.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "hanging")]
    pub(crate) dead: u32,
    /// Keep this many transactions open from before the warm-up until the end, for the peak of the memory.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) open: u32,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) time_limit: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How clients, server and branches speak to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// HTTP/1.1 with JSON bodies.
    Http,
    /// gRPC without TLS.
    Grpc,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Arguments, Command};
    use super::*;

    fn parse(words: &[&str]) -> Result<LoadArguments, clap::Error> {
        let words = ["dtm-bench", "saga"].iter().chain(words);
        match Arguments::try_parse_from(words)?.command {
            Command::Saga(arguments) | Command::Msg(arguments) | Command::Tcc(arguments) => Ok(arguments),
            _ => unreachable!("not asked for"),
        }
    }

    #[test]
    fn the_documented_command_is_understood() {
        let arguments = parse(&["--store", "sled", "--clients", "100", "--count", "20000"]).unwrap();
        assert_eq!((arguments.clients, arguments.count, arguments.steps), (100, 20_000, 2));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [["--clients", "0"], ["--steps", "0"], ["--store", "paper"]] {
            assert!(parse(&words).is_err(), "{words:?}");
        }
    }
}

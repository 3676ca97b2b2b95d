//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Load generator for the transaction manager.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sagas whose actions all succeed: one request each.
    Saga(LoadArguments),
    /// Two-phase messages: prepare, then submit.
    Msg(LoadArguments),
    /// TCC: prepare, register each branch, submit; the branches are confirmed. (The tries are the client's own
    /// calls and do not concern the server: they are left out.)
    Tcc(LoadArguments),
    /// The floor: the same exchanges without a store. Started by `--floor`.
    #[command(hide = true)]
    FloorServer,
}

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
    /// The server binary. Unless given, `dtm-server` is built beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Another argument for the server; may be repeated.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) server_arg: Vec<String>,
    /// Where the temporary data folder is made. Unless given, beside this program: /tmp is often in memory.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Another transaction manager to compare with.
    #[arg(long, value_name = "NAME=BINARY", value_parser = parse_peer)]
    pub(crate) peer: Vec<Peer>,
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

/// A store that the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// The embedded store, every write synced.
    Sled,
}

/// Another transaction manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
}

impl LoadArguments {
    /// What the types cannot say.
    pub(crate) fn check(&self) -> crate::Result {
        match self.peer.first() {
            Some(Peer { name, binary }) => Err(format!(
                "--peer {name}={}: comparisons with other transaction managers come in a later step",
                binary.display()
            )
            .into()),
            None => Ok(()),
        }
    }
}

impl Store {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
        }
    }
}

fn parse_peer(text: &str) -> Result<Peer, String> {
    match text.split_once('=') {
        Some((name, binary)) if !name.is_empty() && !binary.is_empty() => {
            Ok(Peer { name: name.to_owned(), binary: binary.into() })
        }
        _ => Err("expected NAME=BINARY, for example other=/usr/local/bin/other".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<LoadArguments, clap::Error> {
        let words = ["dtm-bench", "saga"].iter().chain(words);
        match Arguments::try_parse_from(words)?.command {
            Command::Saga(arguments) | Command::Msg(arguments) | Command::Tcc(arguments) => Ok(arguments),
            Command::FloorServer => unreachable!("not asked for"),
        }
    }

    #[test]
    fn the_documented_command_is_understood() {
        let arguments = parse(&["--store", "sled", "--clients", "100", "--count", "20000"]).unwrap();
        assert_eq!((arguments.clients, arguments.count, arguments.steps), (100, 20_000, 2));
        arguments.check().unwrap();
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [["--clients", "0"], ["--steps", "0"], ["--store", "paper"], ["--peer", "nameless"]] {
            assert!(parse(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_peer_is_parsed_and_refused_until_comparisons_exist() {
        let arguments = parse(&["--peer", "other=/bin/other"]).unwrap();
        assert_eq!(arguments.peer, [Peer { name: "other".into(), binary: "/bin/other".into() }]);
        assert!(arguments.check().unwrap_err().to_string().contains("later step"));
    }
}

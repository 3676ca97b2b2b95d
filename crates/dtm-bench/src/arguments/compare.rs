//! The command line of `compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ServerArguments, Store};
use crate::load::Mode;

/// This server and its peers, in turns (A B C, A B C, ...), under the same closed loop on the same store. Each
/// run starts a fresh server on a fresh database, warms up, measures, looks up that every transaction ended, and
/// drops the database. The tables hold medians and the lowest and highest of all runs.
///
/// Example, with the databases of tests/services:
///
///   export $(bash tests/services/postgres.sh start)
///   dtm-bench compare --store postgres --peer dtm=./dtm --dtm-tables ./sqls --peer dtmrs=./dtmrs
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompareArguments {
    /// The stores, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sled")]
    pub(crate) store: Vec<Store>,
    /// The modes, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "saga")]
    pub(crate) mode: Vec<Mode>,
    /// Numbers of clients, separated by commas; each has one transaction under way at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,20,100", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: Vec<u32>,
    /// Another transaction manager: dtm or dtmrs, and its binary. May be repeated.
    #[arg(long, value_name = "NAME=BINARY", value_parser = parse_peer)]
    pub(crate) peer: Vec<Peer>,
    /// The folder with DTM's own table definitions (`dtmsvr.storage.*.sql`): it does not make its tables itself.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dtm_tables: Option<PathBuf>,
    /// Another environment variable for a peer, as dtmrs:NAME=VALUE. May be repeated.
    #[arg(long, value_name = "PEER:NAME=VALUE", value_parser = parse_peer_env)]
    pub(crate) peer_env: Vec<(PeerKind, String, String)>,
    /// Runs of each server for each line of the table.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,
    /// How long clients submit in each run, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) seconds: u32,
    /// At most this many transactions a run.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) count: u32,
    /// Transactions before the measurement, on the same server.
    #[arg(long, default_value_t = 500)]
    pub(crate) warm_up: u32,
    /// Steps of a saga, branches of a message or TCC.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) steps: u32,
    /// After how long without its last branch call a transaction of a peer counts as lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 40)]
    pub(crate) patience: u32,
    /// The folder for compare.md, compare.json and compare.svg. Lines of other stores, modes and numbers of clients
    /// that are there already are kept.
    #[arg(long, value_name = "FOLDER", default_value = "docs/benchmarks")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// A transaction manager that this program knows how to start and talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeerKind {
    Dtm,
    Dtmrs,
}

impl PeerKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dtm => "dtm",
            Self::Dtmrs => "dtmrs",
        }
    }
}

/// Another transaction manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) binary: PathBuf,
}

fn parse_peer(text: &str) -> Result<Peer, String> {
    let expected = || "expected dtm=BINARY or dtmrs=BINARY".to_owned();
    let (name, binary) = text.split_once('=').ok_or_else(expected)?;
    let kind = PeerKind::from_str(name, false).map_err(|_| expected())?;
    if binary.is_empty() { Err(expected()) } else { Ok(Peer { kind, binary: binary.into() }) }
}

fn parse_peer_env(text: &str) -> Result<(PeerKind, String, String), String> {
    let expected = || "expected PEER:NAME=VALUE, for example dtmrs:DTMRS_WORKERS=32".to_owned();
    let (peer, rest) = text.split_once(':').ok_or_else(expected)?;
    let (name, value) = rest.split_once('=').ok_or_else(expected)?;
    let kind = PeerKind::from_str(peer, false).map_err(|_| expected())?;
    Ok((kind, name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_a_known_name_and_a_binary() {
        assert_eq!(parse_peer("dtm=./dtm"), Ok(Peer { kind: PeerKind::Dtm, binary: "./dtm".into() }));
        for text in ["nameless", "=x", "dtm=", "other=./x"] {
            assert!(parse_peer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_of_a_peer_may_hold_an_equals_sign() {
        let parsed = parse_peer_env("dtmrs:A=b=c").unwrap();
        assert_eq!(parsed, (PeerKind::Dtmrs, "A".to_owned(), "b=c".to_owned()));
        assert!(parse_peer_env("A=b").is_err());
    }
}

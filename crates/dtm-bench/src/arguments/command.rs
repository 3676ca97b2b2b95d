//! The subcommands.

use clap::{Parser, Subcommand};

use super::{
    CompareArguments, EmbeddedArguments, FailoverArguments, LoadArguments, RecoveryArguments,
    TableSizeArguments,
};

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
    /// This server and others side by side, in turns, on the same store; writes the tables and a picture.
    Compare(CompareArguments),
    /// What a submit costs when many finished transactions are stored.
    TableSize(TableSizeArguments),
    /// How soon other servers drive the transactions of one that is killed.
    Failover(FailoverArguments),
    /// How soon a server that is killed with open transactions has ended all of them after its restart.
    Recovery(RecoveryArguments),
    /// A coordinator inside an application beside a server.
    Embedded(EmbeddedArguments),
    /// The floor: the same exchanges without a store. Started by `--floor`.
    #[command(hide = true)]
    FloorServer,
}

//! What a transaction of each mode consists of, whatever the protocol.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A mode of transactions that a load can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Submit.
    Saga,
    /// Prepare, submit.
    #[value(name = "msg")]
    #[serde(rename = "msg")]
    Message,
    /// Prepare, register each branch, submit.
    Tcc,
}

/// One request of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Prepare,
    /// Of this branch, counted from 0.
    Register(u32),
    Submit,
}

impl Mode {
    /// As `trans_type` says it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Saga => "saga",
            Self::Message => "msg",
            Self::Tcc => "tcc",
        }
    }

    /// What a client sends, in this order.
    pub(crate) fn verbs(self, steps: u32) -> Vec<Verb> {
        match self {
            Self::Saga => vec![Verb::Submit],
            Self::Message => vec![Verb::Prepare, Verb::Submit],
            Self::Tcc => {
                let registers = (0..steps).map(Verb::Register);
                std::iter::once(Verb::Prepare).chain(registers).chain([Verb::Submit]).collect()
            }
        }
    }

    /// Whether prepare and submit list the steps; the branches of a TCC are registered.
    pub(crate) const fn lists_steps(self) -> bool {
        matches!(self, Self::Saga | Self::Message)
    }
}

/// The payload of every branch.
pub(crate) const PAYLOAD: &str = r#"{"account":"alice","amount":30}"#;

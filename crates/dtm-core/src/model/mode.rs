//! The five transaction modes and the three protocols.

use std::fmt;

/// How a global transaction reaches "done everywhere or undone everywhere".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Actions in order; on failure the compensations in reverse.
    Saga,
    /// Try by the client, then confirm all or cancel all.
    Tcc,
    /// Prepared database transactions, then commit all or roll back all.
    Xa,
    /// Two-phase message: a local transaction and calls that must follow if, and only if, it committed.
    Message,
    /// A function of the client, re-run from its recorded steps until it ends.
    Workflow,
}

/// A transaction type that this server does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown trans_type '{0}': use one of saga, tcc, xa, msg, workflow")]
pub struct UnknownMode(pub String);

impl Mode {
    /// All modes, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Saga, Self::Tcc, Self::Xa, Self::Message, Self::Workflow];

    /// The value of `trans_type` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Saga => "saga",
            Self::Tcc => "tcc",
            Self::Xa => "xa",
            Self::Message => "msg",
            Self::Workflow => "workflow",
        }
    }

    /// Reads a `trans_type`.
    ///
    /// # Errors
    /// [`UnknownMode`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the client talks to the server, and the default for how branches are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Plain HTTP with a JSON body; what an absent `protocol` means.
    Http,
    /// gRPC.
    Grpc,
    /// JSON-RPC 2.0 over HTTP.
    JsonRpc,
}

/// A protocol that this server does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown protocol '{0}': use one of http, grpc, json-rpc")]
pub struct UnknownProtocol(pub String);

impl Protocol {
    /// The value of `protocol` on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::JsonRpc => "json-rpc",
        }
    }

    /// Reads a `protocol`; the empty text means [`Protocol::Http`].
    ///
    /// # Errors
    /// [`UnknownProtocol`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownProtocol> {
        match text {
            "" | "http" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            "json-rpc" => Ok(Self::JsonRpc),
            other => Err(UnknownProtocol(other.to_owned())),
        }
    }
}

//! Why a server, or a coordinator inside an application, does not start.

use std::net::SocketAddr;

/// Why a server does not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be opened.
    #[error("the store cannot be used: {0}")]
    Store(#[from] dtm_store::Error),
    /// The address cannot be listened on (defect M16).
    #[error(
        "cannot listen on {address} for {protocol}: {error}; choose another port with {flag}, or stop whoever uses it"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What would be served there.
        protocol: &'static str,
        /// The flag that sets the port.
        flag: &'static str,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The name of this server cannot be used.
    #[error("NodeName: {0}")]
    NodeName(#[from] dtm_store::owner::OwnerError),
    /// The calls of branches cannot be set up.
    #[error("branches cannot be called: {0}")]
    Transport(String),
    /// The alert web hook cannot be used.
    #[error("AlertWebHook: {0}")]
    Alert(String),
    /// A branch of the application itself cannot be registered.
    #[error("the branch '{name}' cannot be registered: {problem}")]
    LocalBranch {
        /// The name that was given.
        name: String,
        /// What is wrong with it, and what is allowed.
        problem: &'static str,
    },
}

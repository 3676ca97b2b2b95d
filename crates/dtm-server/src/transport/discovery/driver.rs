//! What a driver knows.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::resolver;

/// Finds the addresses of services whose URLs have one scheme.
#[async_trait::async_trait]
pub(in super::super) trait Driver: Debug + Send + Sync {
    /// The scheme, without `://`.
    fn scheme(&self) -> &'static str;

    /// Checks that `name` could be found at all.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    fn check(&self, name: &str) -> Result<(), String>;

    /// Looks the addresses of `name` up. The caller bounds its time.
    ///
    /// # Errors
    /// [`LookupError`] saying why there are none.
    async fn look_up(&self, name: &str) -> Result<Found, LookupError>;
}

/// The addresses of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Found {
    /// Each with its priority: those with the lowest number are called, as long as one of them can be reached.
    pub(super) addresses: Vec<(u16, SocketAddr)>,
    /// For how long the driver would vouch for them. `None`: it does not know.
    pub(super) valid_for: Option<Duration>,
}

/// Why a service has no address: nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum LookupError {
    #[error("{0}")]
    Failed(Arc<str>),
    #[error("it has no addresses")]
    NoAddresses,
    #[error("no addresses within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("too many services are being looked up at the moment")]
    TooMany,
    #[error(transparent)]
    System(#[from] resolver::LookupError),
}

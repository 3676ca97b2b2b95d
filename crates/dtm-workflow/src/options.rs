//! How the server calls back.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Stored with each workflow; what is not set is as the server is configured.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) headers: BTreeMap<String, String>,
}

/// Shows the names of the headers only: their values may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("retry_interval", &self.retry_interval)
            .field("request_timeout", &self.request_timeout)
            .field("headers", &self.headers.keys())
            .finish()
    }
}

//! The URLs of branches in this process.

use crate::transport::local_url;

/// The URL of the branch that this application has registered as `name`. It stands wherever a URL may stand.
///
/// ```
/// assert_eq!(dtm_server::embedded::local("stock/deduct"), "local:stock/deduct");
/// ```
#[must_use]
pub fn local(name: &str) -> String {
    local_url(name)
}

//! Real servers for tests: the databases that the scripts in `tests/services` start, and the network before them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests have nobody to report an error to")]

mod private;
mod proxy;
mod scripts;

pub use private::Private;
pub use proxy::{Answers, Proxy};
pub use scripts::{Service, running};

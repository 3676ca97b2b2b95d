//! XA at the side of a branch, in its database (features `mysql`, `postgres`).
//!
//! | file | idea |
//! |---|---|
//! | `branch` | what a branch does in either phase |
//! | `recover` | branches that nobody finished |

mod branch;
mod recover;

pub use recover::{Recovered, XaRecovery};

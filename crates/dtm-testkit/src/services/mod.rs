//! Branch services in virtual time: they behave as badly as they are told to, and keep honest books behind a
//! barrier, so that net effects can be judged.
//!
//! | file | idea |
//! |---|---|
//! | `books` | the barrier: idempotence, null compensation, dangling; and local transactions of messages |
//! | `script` | how a service misbehaves: lost, late, doubled, slow, wrong |
//! | `branches` | delivery of calls, one flaw after the other |

mod books;
mod branches;
mod script;

#[cfg(test)]
mod tests;

pub use books::Books;
pub use branches::Branches;
pub use script::{Flaw, Script};

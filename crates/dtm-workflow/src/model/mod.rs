//! What a workflow asks for against what is recorded of it. No I/O: the same records and the same questions
//! give the same answers.
//!
//! | file | idea |
//! |---|---|
//! | `branch_number` | the ids of branches, as Go's SDK counts them |
//! | `progress` | what is recorded, by branch and operation |
//! | `replay` | what a step has to do: be replayed, be run, or not begin |
//! | `phase2` | what follows when the function has ended |
//! | `divergence` | a function that asks for other steps than are recorded |
//! | `reason` | why a branch said no, as its record tells it |

mod branch_number;
mod divergence;
#[cfg(test)]
mod fixture;
mod phase2;
mod progress;
mod reason;
mod replay;

pub(crate) use branch_number::BranchNumber;
pub use divergence::Divergence;
pub(crate) use phase2::Ending;
pub(crate) use progress::{Progresses, Row, StepEnd};
pub(crate) use reason::{GO_STATUS_PREFIX, reason, told};
#[cfg(feature = "_xa")]
pub(crate) use replay::XaAnswer;
pub(crate) use replay::{Answer, NotNow, Replay};

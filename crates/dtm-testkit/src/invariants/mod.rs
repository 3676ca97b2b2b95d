//! What must hold whatever happens (`design/verification.md`): one invariant a file, each a function from what
//! was observed to its violations.
//!
//! Simulation, kill loops and end-to-end tests fill a [`Journal`] and call [`check`].
//!
//! | file | invariant |
//! |---|---|
//! | `i1_kept` | what was acknowledged is never forgotten |
//! | `i2_final` | a final status never changes |
//! | `i3_done_once` | `succeed`: everything took effect exactly once |
//! | `i4_undone` | `failed`: no net effect |
//! | `i5_reverse` | compensations against the order of the actions |
//! | `i6_one_way` | never confirm and cancel, never commit and roll back |
//! | `i7_message` | branches of a message run if, and only if, the local transaction committed |
//! | `i8_ends` | after the faults every transaction ends |
//! | `i11_fenced` | a write with an old owner token changes nothing |
//! | `i12_recorded_once` | a step of a workflow is recorded at most once |
//! | `repeats` | the same request again is the same, another one is not |
//! | `successors` | a server whose name another one has taken stops |
//! | `calls` | no call before the creation or after the end is durable, one driver for each transaction |

mod calls;
mod i11_fenced;
mod i12_recorded_once;
mod i1_kept;
mod i2_final;
mod i3_done_once;
mod i4_undone;
mod i5_reverse;
mod i6_one_way;
mod i7_message;
mod i8_ends;
mod journal;
mod observed;
mod repeats;
mod successors;
mod violation;

#[cfg(test)]
mod tests;

pub use journal::{Answer, Ask, Did, Entry, Event, Journal};
pub use observed::Observed;
pub use violation::{Violation, check};

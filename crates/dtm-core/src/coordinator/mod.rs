//! What happens next to a transaction, as pure functions.
//!
//! [`decide`] looks at a transaction and at one [`Input`] and answers with a [`Decision`]: at most one
//! [`Write`], the [`Effect`]s that may happen once that write is durable, and the time at which to look again.
//! [`evolve`] applies a write. [`Run`] puts both together for whoever drives a transaction.
//!
//! | file | idea |
//! |---|---|
//! | `input`, `decision`, `write` | the vocabulary |
//! | `decide`, `evolve`, `run` | the two functions, and a transaction that is being driven |
//! | `admit`, `register` | requests of clients against what is stored |
//! | `schedule` | the policy: time-outs, intervals, back-off |
//! | `in_flight` | calls that are out, and calls that wait for the next pass |
//! | `draft` | how the modes put a decision together |
//! | `saga`, `saga_graph`, `tcc`, `xa`, `second_phase`, `msg`, `workflow` | one mode each |

mod admit;
mod decide;
mod decision;
mod draft;
mod error;
mod evolve;
mod in_flight;
mod input;
mod msg;
mod register;
mod run;
mod saga;
mod saga_graph;
mod schedule;
mod second_phase;
mod tcc;
mod workflow;
mod write;
mod xa;

pub use admit::{Readmission, Verb, admit, readmit};
pub use decide::decide;
pub use decision::{Alert, BranchCall, CallKey, CallOp, Decision, Effect, PassEnd};
pub use error::{Illegal, Refusal};
pub use evolve::evolve;
pub use in_flight::InFlight;
pub use input::Input;
pub use register::{Registered, register};
pub use run::{Run, recover};
pub use schedule::{Limits, Policy};
pub use write::{Durability, Write};

//! Calls to the services of branches, so that they know for whom they work.
//!
//! | file | idea |
//! |---|---|
//! | `patience` | how long a call may take, and how large its answer may be |
//! | `http` | requests of reqwest |
//! | `reply` | an answer over HTTP, as it is recorded |
//! | `channel` | a layer under generated gRPC clients |
//! | `unary` | one answer of gRPC, in and out of its frame |
//! | `branch_calls` | the same for whoever has a barrier: callbacks of phase two, actions with more to do |

mod branch_calls;
mod channel;
mod http;
mod patience;
mod reply;
mod unary;

pub use branch_calls::BranchCalls;
pub use channel::BranchChannel;
pub(crate) use http::send;
pub use reply::Reply;

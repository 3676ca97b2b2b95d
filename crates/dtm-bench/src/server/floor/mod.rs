//! The floor: what the exchanges alone cost on this machine.
//!
//! The same exchanges as the real server makes, with the same libraries, and nothing else: it decodes a request,
//! answers, and calls the branches in order. It stores nothing (what is prepared waits in memory), checks nothing,
//! retries nothing. A coordinator that is built on these libraries cannot be faster.
//!
//! | file | idea |
//! |---|---|
//! | `serve` | the process |
//! | `http`, `grpc` | the exchanges in either protocol |
//! | `prepared` | what has been prepared and not been submitted |

mod grpc;
mod http;
mod prepared;
mod serve;

pub(crate) use serve::serve;

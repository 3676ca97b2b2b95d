//! JSON-RPC 2.0, as DTM speaks it on `/api/json-rpc` (behaviour 36 to 39).
//!
//! | file | idea |
//! |---|---|
//! | `call` | what a client sends: the envelope, and the parameters in it |
//! | `answer` | what it is answered, and the codes of errors |
//! | `client` | the client's side of both |

mod answer;
mod call;
mod client;

pub use answer::{Code, error_body, success_body};
pub use call::{Call, Invalid, Method};
pub use client::{Answer, AnsweredError, call_body};

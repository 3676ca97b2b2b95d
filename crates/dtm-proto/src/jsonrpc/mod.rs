//! JSON-RPC 2.0, as DTM speaks it on `/api/json-rpc` (behaviour 36 to 39).
//!
//! | file | idea |
//! |---|---|
//! | `call` | what a client sends: the envelope, and the parameters in it |
//! | `answer` | what it is answered, and the codes of errors |

mod answer;
mod call;

pub use answer::{Code, error_body, success_body};
pub use call::{Call, Invalid, Method};

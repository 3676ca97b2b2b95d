//! The JSON bodies of the HTTP API: what clients send, and what they are answered.
//!
//! | file | idea |
//! |---|---|
//! | `transaction_request`, `definition` | the body of prepare, submit and abort, and the definition in it |
//! | `register_request`, `gid_request` | the other bodies |
//! | `custom_data`, `url`, `headers`, `seconds` | the parts of a definition that need a look inside |
//! | `limits`, `request_error` | how much may be asked for, and why something is refused |
//! | `envelope`, `answers` | what is answered |
//! | `submit_body`, `register_body`, `workflow_body`, `answer` | the client's side of all of these |
//! | `transaction_view`, `rfc3339` | a transaction and its branches as they are shown |
//! | `kv` | topics as they are shown |
//! | `json`, `values`, `encode` | how JSON is read and written |

mod answer;
mod answers;
mod custom_data;
mod definition;
mod encode;
mod envelope;
mod gid_request;
mod headers;
pub(crate) mod json;
mod kv;
mod limits;
mod register_body;
mod register_request;
mod request_error;
mod rfc3339;
mod seconds;
mod submit_body;
mod transaction_request;
mod transaction_view;
mod url;
mod values;
mod workflow_body;

pub use answer::Answer;
pub use answers::{all_body, progresses_body, query_body, reset_cron_time_body};
pub(crate) use encode::encode;
pub use envelope::Envelope;
pub use gid_request::GidRequest;
pub use json::DecodeError;
pub use kv::{TOPICS_CATEGORY, TopicEntry, query_kv_body, scan_kv_body};
pub use limits::RequestLimits;
pub use register_body::register_body;
pub use register_request::RegisterRequest;
pub use request_error::RequestError;
pub use submit_body::{StepBody, SubmitBody, saga_custom_data};
pub use transaction_request::{StepRequest, TransactionRequest};
pub use workflow_body::{message_custom_data, workflow_custom_data, workflow_extra, workflow_result};

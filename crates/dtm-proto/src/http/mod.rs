//! The JSON bodies of the HTTP API: what clients send, and what they are answered.
//!
//! | file | idea |
//! |---|---|
//! | `transaction_request`, `definition` | the body of prepare, submit and abort, and the definition in it |
//! | `register_request`, `gid_request` | the other bodies |
//! | `custom_data`, `url`, `headers`, `seconds` | the parts of a definition that need a look inside |
//! | `limits`, `request_error` | how much may be asked for, and why something is refused |
//! | `json`, `values` | how JSON is read |

mod custom_data;
mod definition;
mod gid_request;
mod headers;
mod json;
mod limits;
mod register_request;
mod request_error;
mod seconds;
mod transaction_request;
mod url;
mod values;

pub use gid_request::GidRequest;
pub use json::DecodeError;
pub use limits::{RequestLimits, URL_BYTES_MAX};
pub use register_request::RegisterRequest;
pub use request_error::RequestError;
pub use transaction_request::{StepRequest, TransactionRequest};

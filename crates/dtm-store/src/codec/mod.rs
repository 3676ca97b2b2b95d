//! The text in which every store keeps its records: one document for the definition (written once), one for the
//! state (rewritten), one for each registration, one for each topic.
//!
//! ```text
//! definition  {"v":1,"gid":"order-1","protocol":"http","plan":{"saga":{"steps":[{"action":"http://..", ..
//! state       {"v":1,"status":"submitted","reason":null,"rows":[{"row":1,"status":"succeed", ..
//! ```
//!
//! JSON, because whoever runs the database has to be able to read it. Bytes that are UTF-8 are a string, others
//! are `{"base64":".."}`. Every document has its version `v`; every field is always there, `null` where there is
//! nothing; whatever is missing, unknown, doubled or left over is an error and never a default.
//!
//! A change of a document's shape needs a new version number and code that still reads the old ones. A definition
//! whose steps name topics has version 2; without topics it is what version 1 is, so that older servers read it.

mod bytes;
mod definition;
mod document;
mod error;
mod options;
mod registration;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod topic;

pub use definition::{decode_definition, encode_definition};
pub use document::VERSION;
pub use error::CodecError;
pub use registration::{decode_registration, encode_registration};
pub use state::{decode_state, encode_state};
pub use topic::{decode_topic, encode_topic};

//! Values: a checksum in front of each, and a small binary head in front of a state.
//!
//! ```text
//! value  version:1  checksum of key and rest:4  further parts:2  body
//! body of a state  head  JSON of the definition, if it is small  JSON of the state
//! ```
//!
//! The committer compares and changes heads; the JSON behind them is copied and never parsed. A small definition
//! is copied too, although it never changes: each entry of its own would cost more than its bytes do.

mod head;
mod meta;
mod value;

pub(crate) use head::{Row, Texts, split_row};
pub(crate) use meta::Meta;
pub(crate) use value::{HEADER, PART_MAX, open, seal, share};

//! Values: a checksum in front of each, and a small binary head in front of a state.
//!
//! ```text
//! value  version:1  checksum of key and rest:4  further parts:2  body
//! body of a state  head  JSON of the state
//! ```
//!
//! The committer compares and changes heads; the JSON behind them is copied and never parsed.

mod head;
mod meta;
mod value;

pub(crate) use head::{Row, split_row};
pub(crate) use meta::Meta;
pub(crate) use value::{HEADER, PART_MAX, open, seal};

/// The version of the values, and the only one that is read.
pub(crate) const VERSION: u8 = 1;

//! This server and its peers side by side.

mod chart;
mod lookup;
mod markdown;
mod order;
mod results;
mod run;
mod statistics;

pub(crate) use order::compare;
pub(crate) use statistics::median;

//! sled, with what it does not promise by itself.

mod database;
mod log;
mod overlay;
mod value;

pub(crate) use database::{Engine, put};
pub(crate) use overlay::Overlay;
pub(crate) use value::{Source, Value, read};

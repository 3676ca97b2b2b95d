//! sled, with what it does not promise by itself.

mod database;
mod overlay;
mod value;

pub(crate) use database::Engine;
pub(crate) use overlay::Overlay;
pub(crate) use value::{Source, Value, read};

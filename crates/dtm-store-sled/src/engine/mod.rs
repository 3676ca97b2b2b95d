//! sled, with what it does not promise by itself.

mod apply;
mod database;
mod log;
mod overlay;
mod value;

pub(crate) use apply::{NotApplied, apply};
pub(crate) use database::Engine;
pub(crate) use log::Log;
pub(crate) use overlay::Overlay;
pub(crate) use value::{Source, Value, read};

//! The folder around the database: who holds it, what is in it, and how much of it was acknowledged.

mod format;
mod lock;
mod mark;

pub(crate) use format::{DATABASE, Format, is_new, read_format, write_format};
pub(crate) use lock::Lock;
pub(crate) use mark::Mark;

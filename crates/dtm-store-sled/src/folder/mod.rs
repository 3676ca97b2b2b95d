//! The folder around the database: who holds it, what is in it, and how much of it was acknowledged.

mod format;
mod lock;
mod mark;

pub(crate) use format::{DATABASE, check_format, is_new, write_format};
pub(crate) use lock::Lock;
pub(crate) use mark::Mark;

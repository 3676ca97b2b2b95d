//! A fresh place for the data of one server: a folder, or a database of its own.

mod counts;
mod listener;
mod mysql;
mod place;
mod postgres;
mod redis;

pub(crate) use counts::{Counts, Spent};
pub(crate) use place::DataPlace;

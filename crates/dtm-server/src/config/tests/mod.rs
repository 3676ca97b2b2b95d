//! The configuration as its users meet it.

mod dtm_keys;
mod messages;
mod precedence;
mod shown;
mod support;

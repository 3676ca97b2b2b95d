//! Reading what Redis answers. What is not as it should be is trouble, and never an empty default.

use redis::{FromRedisValue, Value};

use crate::fault::Fault;

/// What an answer of a call says.
pub(crate) fn read<T: FromRedisValue>(value: Value) -> Result<T, Fault> {
    redis::from_redis_value(value).map_err(|error| strange(&error))
}

/// An answer that the script never gives.
pub(crate) fn strange(detail: &dyn std::fmt::Display) -> Fault {
    Fault::Lost(format!("an answer of Redis cannot be read: {detail}"))
}

/// The single answer of a single call.
pub(crate) fn only(answers: Vec<Result<Value, Fault>>) -> Result<Value, Fault> {
    answers.into_iter().next().unwrap_or_else(|| Err(strange(&"it is missing")))
}

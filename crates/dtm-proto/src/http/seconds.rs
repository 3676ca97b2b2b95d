//! Numbers of a request that become spans and counts.

use dtm_core::model::Seconds;

use super::request_error::RequestError;

/// The largest number of seconds: 68 years. C# reads intervals as 32-bit signed numbers (behaviour 28).
const MAX: u32 = 2_147_483_647;

/// A span in seconds. 0 means that the client leaves it to the server.
pub(super) fn seconds(field: &str, value: i64) -> Result<Option<Seconds>, RequestError> {
    Ok(count(field, value)?.map(Seconds::new))
}

/// A number from 1. 0 means that the client leaves it to the server.
pub(super) fn count(field: &str, value: i64) -> Result<Option<u32>, RequestError> {
    match u32::try_from(value) {
        Ok(0) => Ok(None),
        Ok(value) if value <= MAX => Ok(Some(value)),
        Ok(_) | Err(_) => {
            Err(RequestError::field(field, format!("is {value}, allowed are 0 (not set) to {MAX}")))
        }
    }
}

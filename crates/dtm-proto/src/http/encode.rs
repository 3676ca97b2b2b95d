//! Writing of JSON.

use serde::Serialize;

/// The JSON text of a body.
#[expect(
    clippy::expect_used,
    reason = "no body has a map with keys that are no strings, or a type that refuses"
)]
pub(crate) fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("every body can be written as JSON")
}

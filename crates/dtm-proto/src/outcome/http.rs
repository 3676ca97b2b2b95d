//! Answers over HTTP.

use dtm_core::model::Outcome;

use super::result_protocol::ResultProtocol;
use super::word::{Word, contains};

/// What the answer of a branch over HTTP means. The caller bounds the size of `body`.
#[must_use]
pub fn from_http(status: u16, body: &[u8], protocol: ResultProtocol) -> Outcome {
    let word = match (status, protocol) {
        (425, _) => Word::Ongoing,
        (_, ResultProtocol::Legacy) if contains(body, b"ONGOING") => Word::Ongoing,
        (409, _) => Word::Failure,
        (_, ResultProtocol::Legacy) if contains(body, b"FAILURE") => Word::Failure,
        (_, ResultProtocol::Compat) => Word::of_body(body),
        (_, ResultProtocol::Legacy | ResultProtocol::Strict) => Word::None,
    };
    match (word, status) {
        (Word::Ongoing, _) => Outcome::Ongoing,
        (Word::Failure, _) => Outcome::Failure { reason: String::from_utf8_lossy(body).into_owned() },
        (Word::None, 200) => Outcome::Success,
        (Word::Broken, _) => Outcome::Unknown {
            cause: format!("the branch answered HTTP status {status} with a dtm_result in broken JSON"),
        },
        (Word::None, _) => Outcome::Unknown {
            cause: format!("the branch answered HTTP status {status} with {} bytes", body.len()),
        },
    }
}

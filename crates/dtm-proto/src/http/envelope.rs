//! The answers that are the same for every verb (behaviour 1 to 4, 10, 11).

use serde::Serialize;

use super::encode::encode;

/// The bodies that say how a request ended. Keys are in the order in which DTM writes them. The status code
/// beside them is 200, 409, 425, or another one for [`Envelope::error`].
#[derive(Debug, Clone, Copy)]
pub struct Envelope;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dtm_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

const EMPTY: Body<'static> = Body { dtm_result: None, gid: None, message: None, status: None, version: None };

impl Envelope {
    /// 200: done. Every SDK searches a success for the word FAILURE, so nothing else ever stands in it.
    #[must_use]
    pub const fn success() -> &'static [u8] {
        br#"{"dtm_result":"SUCCESS"}"#
    }

    /// 409: refused, or not succeeded. `status` tells a client that waited for the result where the
    /// transaction stands (decision 5).
    #[must_use]
    pub fn failure(message: &str, status: Option<&str>) -> Vec<u8> {
        encode(&Body { dtm_result: Some("FAILURE"), message: Some(message), status, ..EMPTY })
    }

    /// 425: still at it. `status` as for [`Envelope::failure`].
    #[must_use]
    pub fn ongoing(message: &str, status: Option<&str>) -> Vec<u8> {
        encode(&Body { dtm_result: Some("ONGOING"), message: Some(message), status, ..EMPTY })
    }

    /// Any other status code: the request was wrong, or the server could not. `status` as for
    /// [`Envelope::failure`].
    #[must_use]
    pub fn error(message: &str, status: Option<&str>) -> Vec<u8> {
        encode(&Body { message: Some(message), status, ..EMPTY })
    }

    /// The answer to `newGid`.
    #[must_use]
    pub fn new_gid(gid: &str) -> Vec<u8> {
        encode(&Body { dtm_result: Some("SUCCESS"), gid: Some(gid), ..EMPTY })
    }

    /// The answer to `version`.
    #[must_use]
    pub fn version(version: &str) -> Vec<u8> {
        encode(&Body { version: Some(version), ..EMPTY })
    }

    /// The answer to `ping`.
    #[must_use]
    pub const fn ping() -> &'static [u8] {
        br#"{"msg":"pong"}"#
    }
}

//! The body of `forceStop` and `resetNextCronTime`.

use serde::de::MapAccess;

use dtm_core::model::Gid;

use super::json::{DecodeError, KeyOf, Known, Path, fill, read, skip};
use super::request_error::RequestError;

/// The body of `forceStop` and `resetNextCronTime`: `{"gid":G}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GidRequest {
    /// The name of the transaction, without the characters that DTM strips (behaviour 9).
    pub gid: String,
}

impl GidRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON object, or when `gid` is not a string.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut request: Self = read("body", body)?;
        strip_gid(&mut request.gid);
        Ok(request)
    }

    /// The checked `gid`.
    ///
    /// # Errors
    /// [`RequestError`] when it is empty, too long or has a control character.
    pub fn gid(&self) -> Result<Gid, RequestError> {
        Ok(Gid::parse(&self.gid)?)
    }
}

impl Known for GidRequest {
    const EXPECTED: &'static str = "a JSON object";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut gid = String::new();
        while let Some(key) = map.next_key_seed(KeyOf(&["gid"]))? {
            match key {
                Some(name) => fill(&mut gid, &Path::Field(path, name), &mut map)?,
                None => skip(&mut map)?,
            }
        }
        Ok(Self { gid })
    }
}

/// Takes line feeds, carriage returns and semicolons out of a gid (behaviour 9, HTTP only).
pub(super) fn strip_gid(gid: &mut String) {
    gid.retain(|character| !matches!(character, '\n' | '\r' | ';'));
}

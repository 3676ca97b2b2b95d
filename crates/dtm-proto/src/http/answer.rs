//! The client's side of an answer.

use serde::de::MapAccess;

use super::json::{DecodeError, KeyOf, Known, Path, fill, read, skip};

/// The answer to `newGid`, `prepare`, `submit`, `abort` and `registerBranch` as a client reads it. What is
/// missing or `null` is empty; unknown keys are skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// `SUCCESS`, `FAILURE`, `ONGOING`, or empty for an error.
    pub dtm_result: String,
    /// What the server says.
    pub message: String,
    /// Where the transaction stands, when the client waited for its result (decision 5).
    pub status: String,
    /// The answer to `newGid`.
    pub gid: String,
}

impl Answer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON object, or when a known field is not a string: then something
    /// other than the server answered.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        read("body", body)
    }
}

impl Known for Answer {
    const EXPECTED: &'static str = "a JSON object";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(key) = map.next_key_seed(KeyOf(&["dtm_result", "message", "status", "gid"]))? {
            let Some(name) = key else {
                skip(&mut map)?;
                continue;
            };
            let path = Path::Field(path, name);
            match name {
                "dtm_result" => fill(&mut it.dtm_result, &path, &mut map),
                "message" => fill(&mut it.message, &path, &mut map),
                "status" => fill(&mut it.status, &path, &mut map),
                "gid" => fill(&mut it.gid, &path, &mut map),
                _ => skip(&mut map),
            }?;
        }
        Ok(it)
    }
}

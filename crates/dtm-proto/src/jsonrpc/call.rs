//! What a client sends: the envelope, and the parameters in it.

use serde::de::{MapAccess, SeqAccess};

use dtm_core::model::truncate;

use crate::http::json::{KeyOf, Known, Path, fill, read, skip, value};
use crate::http::{DecodeError, RegisterRequest, TransactionRequest};

/// One call, without its parameters: which type they have depends on the method, which may stand behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The id that the answer repeats.
    pub id: String,
    version: String,
    method: String,
}

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A new gid.
    NewGid,
    /// Prepare.
    Prepare,
    /// Submit.
    Submit,
    /// Abort.
    Abort,
    /// Register a branch.
    RegisterBranch,
}

/// Why a call that could be read is none. The texts are DTM's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Another version than 2.0, or no id.
    #[error("Bad json request: {0}")]
    Request(String),
    /// A method that there is not.
    #[error("Method not found: {0}")]
    Method(String),
}

impl Call {
    /// Reads the envelope of a body.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON object, or when `id`, `jsonrpc` or `method` is neither a string nor
    /// `null`: numbers are no ids here (behaviour 36). A batch, which is a list, is refused as well.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        read("body", body)
    }

    /// What is called.
    ///
    /// # Errors
    /// [`Invalid`] (behaviour 39).
    pub fn method(&self) -> Result<Method, Invalid> {
        if self.version != "2.0" || self.id.is_empty() {
            let parts = [("id", &self.id), ("jsonrpc", &self.version), ("method", &self.method)];
            let parts = parts.map(|(name, text)| (name, truncate(text, 64)));
            return Err(Invalid::Request(format!("{:?}", Parts(parts))));
        }
        match self.method.as_str() {
            "newGid" => Ok(Method::NewGid),
            "prepare" => Ok(Method::Prepare),
            "submit" => Ok(Method::Submit),
            "abort" => Ok(Method::Abort),
            "registerBranch" => Ok(Method::RegisterBranch),
            other => Err(Invalid::Method(truncate(other, 64).to_owned())),
        }
    }

    /// The parameters of prepare, submit and abort in a body. The gid is taken as it is (behaviour 9).
    ///
    /// # Errors
    /// [`DecodeError`] naming the field.
    pub fn transaction(body: &[u8]) -> Result<TransactionRequest, DecodeError> {
        read("body", body).map(|Params(request)| request)
    }

    /// The parameters of registerBranch in a body. The gid is taken as it is (behaviour 9).
    ///
    /// # Errors
    /// [`DecodeError`] naming the field.
    pub fn branch(body: &[u8]) -> Result<RegisterRequest, DecodeError> {
        read("body", body).map(|Params(request)| request)
    }
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewGid => "newGid",
            Self::Prepare => "prepare",
            Self::Submit => "submit",
            Self::Abort => "abort",
            Self::RegisterBranch => "registerBranch",
        }
    }
}

/// A part of a call as JSON.
struct Parts<'a>([(&'static str, &'a str); 3]);

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = self.0.iter().map(|(name, text)| (*name, serde_json::Value::from(*text)));
        write!(
            f,
            "{}",
            serde_json::Value::Object(texts.map(|(name, text)| (name.to_owned(), text)).collect())
        )
    }
}

impl Known for Call {
    const EXPECTED: &'static str = "a JSON object";

    fn from_list<'de, A: SeqAccess<'de>>(path: &Path<'_>, _: A) -> Result<Self, A::Error> {
        Err(path.wrong(Self::EXPECTED, "a list: batches are not supported, send one call a request"))
    }

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(key) = map.next_key_seed(KeyOf(&["id", "jsonrpc", "method"]))? {
            match key {
                Some(name @ "id") => fill(&mut it.id, &Path::Field(path, name), &mut map)?,
                Some(name @ "jsonrpc") => fill(&mut it.version, &Path::Field(path, name), &mut map)?,
                Some(name) => fill(&mut it.method, &Path::Field(path, name), &mut map)?,
                None => skip(&mut map)?,
            }
        }
        Ok(it)
    }
}

/// A body of which only the parameters are read.
struct Params<T>(T);

impl<T: Known> Known for Params<T> {
    const EXPECTED: &'static str = "a JSON object";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut params = None;
        while let Some(key) = map.next_key_seed(KeyOf(&["params"]))? {
            match key {
                Some(name) => params = value(&Path::Field(path, name), &mut map)?.or(params),
                None => skip(&mut map)?,
            }
        }
        params.map(Self).ok_or_else(|| Path::Field(path, "params").wrong(T::EXPECTED, "missing or null"))
    }
}

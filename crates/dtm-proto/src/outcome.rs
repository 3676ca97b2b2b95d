//! The one table that reads the result of a call to a branch, for the server and for the SDK.
//!
//! HTTP, in the order in which the rows are tried (behaviour 55, decision 3):
//!
//! | answer | `compat` | `legacy` | `strict` |
//! |---|---|---|---|
//! | status 425 | ongoing | ongoing | ongoing |
//! | `ONGOING` anywhere in the body | - | ongoing | - |
//! | status 409 | failure | failure | failure |
//! | `FAILURE` anywhere in the body | - | failure | - |
//! | body is an object whose `dtm_result` is exactly `FAILURE` / `ONGOING` | failure / ongoing | - | - |
//! | body is exactly `FAILURE` / `ONGOING`, apart from white space around it | failure / ongoing | - | - |
//! | status 200 | success | success | success |
//! | anything else | unknown | unknown | unknown |
//!
//! JSON-RPC: the HTTP table first; where it finds neither failure nor ongoing, the error code -32901 is a
//! failure and -32902 is ongoing (decision 4), every other error is unknown. gRPC: behaviour 46.
//!
//! What cannot be read is [`Outcome::Unknown`], never a failure: the call may have taken effect.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use dtm_core::model::Outcome;

/// The JSON-RPC error code by which a branch says that it failed.
pub const JSON_RPC_FAILURE: i64 = -32_901;
/// The JSON-RPC error code by which a branch says that it is still at it.
pub const JSON_RPC_ONGOING: i64 = -32_902;

/// How the body of an answer takes part in its meaning (decision 3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ResultProtocol {
    /// Status code first, then the exact result in the body. Serves every branch that follows DTM's documents.
    #[default]
    Compat,
    /// DTM's search for the words anywhere in the body.
    Legacy,
    /// Status code only.
    Strict,
}

/// A result protocol that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown result protocol '{0}': use one of compat, legacy, strict")]
pub struct UnknownResultProtocol(pub String);

impl ResultProtocol {
    /// All result protocols.
    pub const ALL: [Self; 3] = [Self::Compat, Self::Legacy, Self::Strict];

    /// The name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::Legacy => "legacy",
            Self::Strict => "strict",
        }
    }

    /// Reads the name in configuration.
    ///
    /// # Errors
    /// [`UnknownResultProtocol`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownResultProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| UnknownResultProtocol(text.to_owned()))
    }
}

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
        (Word::None, _) => Outcome::Unknown {
            cause: format!("the branch answered HTTP status {status} with {} bytes", body.len()),
        },
    }
}

/// What the answer of a branch over JSON-RPC means (behaviour 41, decision 4, defect B8). The caller bounds
/// the size of `body`.
#[must_use]
pub fn from_json_rpc(status: u16, body: &[u8], protocol: ResultProtocol) -> Outcome {
    let by_http = from_http(status, body, protocol);
    if matches!(by_http, Outcome::Failure { .. } | Outcome::Ongoing) {
        return by_http;
    }
    let Some(answer) = RpcAnswer::read(body) else {
        let cause = match by_http {
            Outcome::Unknown { cause } => cause,
            _ => format!("the branch answered {} bytes that are not a JSON-RPC answer", body.len()),
        };
        return Outcome::Unknown { cause };
    };
    match answer.error {
        None => by_http,
        Some(RpcError { code: Some(JSON_RPC_FAILURE), message }) => {
            Outcome::Failure { reason: message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()) }
        }
        Some(RpcError { code: Some(JSON_RPC_ONGOING), .. }) => Outcome::Ongoing,
        Some(RpcError { code: Some(code), .. }) => {
            Outcome::Unknown { cause: format!("the branch answered JSON-RPC error code {code}") }
        }
        Some(RpcError { code: None, .. }) => {
            Outcome::Unknown { cause: "the branch answered a JSON-RPC error without a code".to_owned() }
        }
    }
}

/// What the status of a branch over gRPC means (behaviour 46).
#[must_use]
pub fn from_grpc(code: tonic::Code, message: &str) -> Outcome {
    match code {
        tonic::Code::Ok => Outcome::Success,
        // older SDKs have no code of their own for it
        tonic::Code::Aborted if message == "ONGOING" => Outcome::Ongoing,
        tonic::Code::Aborted => Outcome::Failure { reason: message.to_owned() },
        tonic::Code::FailedPrecondition => Outcome::Ongoing,
        other => Outcome::Unknown { cause: format!("the branch answered gRPC status {other:?}") },
    }
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
}

/// What a body says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Failure,
    Ongoing,
}

impl Word {
    fn of_body(body: &[u8]) -> Self {
        match body.trim_ascii() {
            object @ [b'{', ..] => serde_json::from_slice::<DtmResult>(object).map_or(Self::None, |it| it.0),
            text => Self::of_text(text),
        }
    }

    fn of_text(text: &[u8]) -> Self {
        match text {
            b"FAILURE" => Self::Failure,
            b"ONGOING" => Self::Ongoing,
            _ => Self::None,
        }
    }
}

/// The meaning of the field `dtm_result` of an object. Other fields are skipped unread, however deep.
struct DtmResult(Word);

impl<'de> Deserialize<'de> for DtmResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = DtmResult;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DtmResult, A::Error> {
                let mut word = Word::None;
                while let Some(IsDtmResult(is_it)) = map.next_key()? {
                    if is_it {
                        word = map.next_value::<Scalar>()?.word();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(DtmResult(word))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Whether a key is `dtm_result`, told without keeping it.
struct IsDtmResult(bool);

impl<'de> Deserialize<'de> for IsDtmResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl Visitor<'_> for Key {
            type Value = IsDtmResult;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<IsDtmResult, E> {
                Ok(IsDtmResult(key == "dtm_result"))
            }
        }
        deserializer.deserialize_str(Key)
    }
}

#[derive(serde::Deserialize)]
struct RpcAnswer {
    #[serde(default)]
    error: Option<RpcError>,
}

impl RpcAnswer {
    /// `None` for whatever is not one object: a list would be the answer to a batch, which nobody asked for.
    fn read(body: &[u8]) -> Option<Self> {
        let body = body.trim_ascii();
        if !body.starts_with(b"{") {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}

struct RpcError {
    code: Option<i64>,
    message: Option<String>,
}

impl<'de> Deserialize<'de> for RpcError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            #[serde(default)]
            code: Scalar,
            #[serde(default)]
            message: Scalar,
        }
        let Fields { code, message } = Fields::deserialize(deserializer)?;
        let code = if let Scalar::Integer(code) = code { Some(code) } else { None };
        let message = if let Scalar::Text(text) = message { Some(text) } else { None };
        Ok(Self { code, message })
    }
}

/// A value of which only texts and whole numbers matter; every other kind is skipped.
#[derive(Default)]
enum Scalar {
    Text(String),
    Integer(i64),
    #[default]
    Other,
}

impl Scalar {
    fn word(&self) -> Word {
        match self {
            Self::Text(text) => Word::of_text(text.as_bytes()),
            Self::Integer(_) | Self::Other => Word::None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(i64::try_from(value).map_or(Scalar::Other, Scalar::Integer))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                // some JSON libraries write every number as a floating-point one
                Ok(match value {
                    -32_901.0 => Scalar::Integer(JSON_RPC_FAILURE),
                    -32_902.0 => Scalar::Integer(JSON_RPC_ONGOING),
                    _ => Scalar::Other,
                })
            }

            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

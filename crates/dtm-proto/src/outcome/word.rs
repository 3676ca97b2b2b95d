//! What a body says by itself.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::scalar::Scalar;

/// What a body says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    None,
    Failure,
    Ongoing,
    /// It means to say something, but is broken.
    Broken,
}

impl Word {
    pub(super) fn of_body(body: &[u8]) -> Self {
        match body.trim_ascii() {
            object @ [b'{', ..] => match serde_json::from_slice::<DtmResult>(object) {
                Ok(DtmResult(word)) => word,
                Err(_) if contains(object, b"dtm_result") => Self::Broken,
                Err(_) => Self::None,
            },
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

/// Whether `word` stands anywhere in `body`.
pub(super) fn contains(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|window| window == word)
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
                        word = match map.next_value()? {
                            Scalar::Text(text) => Word::of_text(text.as_bytes()),
                            Scalar::Integer(_) | Scalar::Other => Word::None,
                        };
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

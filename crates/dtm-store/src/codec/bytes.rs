//! Bytes in JSON: a string when they are text, `{"base64":".."}` when they are not.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use dtm_core::model::Payload;

/// The only key of the object that stands for bytes that are no text.
const BASE64: &str = "base64";

/// A payload on its way into a document.
#[derive(Debug)]
pub(super) struct BytesOut<'a>(pub(super) &'a Payload);

impl Serialize for BytesOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.as_bytes();
        match std::str::from_utf8(bytes) {
            // a NUL says that it is no text; and PostgreSQL's jsonb refuses it, even escaped
            Ok(text) if !bytes.contains(&0) => serializer.serialize_str(text),
            Ok(_) | Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(BASE64, &STANDARD.encode(bytes))?;
                map.end()
            }
        }
    }
}

/// A payload on its way out of a document.
#[derive(Debug)]
pub(super) struct BytesIn(pub(super) Payload);

impl<'de> Deserialize<'de> for BytesIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = BytesIn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string or {{\"{BASE64}\":\"..\"}}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<BytesIn, E> {
        Ok(BytesIn(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<BytesIn, E> {
        Ok(BytesIn(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BytesIn, A::Error> {
        let Some(key) = map.next_key::<Cow<'de, str>>()? else {
            return Err(de::Error::missing_field(BASE64));
        };
        if key != BASE64 {
            return Err(de::Error::custom("bytes that are no text need the key base64"));
        }
        let text = map.next_value::<Cow<'de, str>>()?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| de::Error::custom("this is not base64"))?;
        match map.next_key::<de::IgnoredAny>()? {
            Some(_) => Err(de::Error::custom("bytes that are no text have one key only")),
            None => Ok(BytesIn(bytes.into())),
        }
    }
}

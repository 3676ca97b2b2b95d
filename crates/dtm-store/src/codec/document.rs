//! What all documents share: the version, strictness, and readable errors.

use serde::de::{Deserialize, Deserializer};

use super::CodecError;

/// The version of the documents that this server writes, and the newest one that it reads, unless the document
/// has one of its own.
pub const VERSION: u32 = 1;

/// The part of a document that every version has.
#[derive(serde::Deserialize)]
struct Versioned {
    v: u32,
}

/// The text of a document.
pub(super) fn to_text<T: serde::Serialize>(
    name: &'static str,
    document: &T,
    size_hint: usize,
) -> Result<String, CodecError> {
    let mut bytes = Vec::with_capacity(size_hint);
    serde_json::to_writer(&mut bytes, document).map_err(|error| CodecError::new(name, error))?;
    String::from_utf8(bytes).map_err(|error| CodecError::new(name, error))
}

/// A document from its text; `version` picks its version out of it.
pub(super) fn from_text<'de, T: serde::Deserialize<'de>>(
    name: &'static str,
    text: &'de str,
    version: impl Fn(&T) -> u32,
) -> Result<T, CodecError> {
    from_text_up_to(VERSION, name, text, version)
}

/// A document of any version from 1 to `newest` from its text; `version` picks its version out of it.
pub(super) fn from_text_up_to<'de, T: serde::Deserialize<'de>>(
    newest: u32,
    name: &'static str,
    text: &'de str,
    version: impl Fn(&T) -> u32,
) -> Result<T, CodecError> {
    let known = 1..=newest;
    match serde_json::from_str::<T>(text) {
        Ok(document) if known.contains(&version(&document)) => Ok(document),
        Ok(document) => Err(unknown_version(name, version(&document), newest)),
        // another version has other fields, so its number explains more than the first field that is missing
        Err(error) => match serde_json::from_str::<Versioned>(text) {
            Ok(Versioned { v }) if !known.contains(&v) => Err(unknown_version(name, v, newest)),
            Ok(_) | Err(_) => Err(CodecError::new(name, describe(&error))),
        },
    }
}

fn unknown_version(name: &'static str, found: u32, newest: u32) -> CodecError {
    let known = if newest == 1 { "version 1".to_owned() } else { format!("versions 1 to {newest}") };
    CodecError::new(
        name,
        format!("it has version {found}, this server reads {known}: use a server that knows it"),
    )
}

/// The position and kind of the error. serde quotes values in some messages, and values may be payloads.
fn describe(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Io => "it cannot be read",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "a field is missing, unknown, doubled or of another type",
        serde_json::error::Category::Eof => "it ends too early",
    };
    let text = error.to_string();
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .into_iter()
        .find(|start| text.starts_with(start))
        .and_then(|start| text.get(start.len()..)?.split_once('`').map(|(field, _)| (start, field)));
    match named {
        Some((start, field)) => {
            format!("{start}{field}` at line {} column {}", error.line(), error.column())
        }
        None => format!("{kind}, at line {} column {}", error.line(), error.column()),
    }
}

/// For optional fields: `null` is nothing, but the field has to be there (serde's derive would let it be absent).
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer)
}

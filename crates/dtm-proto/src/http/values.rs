//! The kinds of values that the bodies are made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{MapAccess, SeqAccess};

use dtm_core::model::Payload;

use super::json::{ENTRIES_MAX, Known, Path, entry, value};

/// What every text field may be.
const TEXT: &str = "a string or null";

impl Known for bool {
    const EXPECTED: &'static str = "true, false or null";

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl Known for i64 {
    const EXPECTED: &'static str = "a whole number or null";

    fn from_integer(value: i64) -> Option<Self> {
        Some(value)
    }
}

impl Known for u64 {
    const EXPECTED: &'static str = "a whole number from 0 or null";

    fn from_integer(value: i64) -> Option<Self> {
        Self::try_from(value).ok()
    }
}

impl Known for String {
    const EXPECTED: &'static str = TEXT;

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Known for Arc<str> {
    const EXPECTED: &'static str = TEXT;

    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl Known for Payload {
    const EXPECTED: &'static str = TEXT;

    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

/// A list; an entry that is `null` is the default of its type, as it is for DTM.
impl<T: Known + Absent> Known for Vec<T> {
    const EXPECTED: &'static str = "a list or null";

    fn from_list<'de, A: SeqAccess<'de>>(path: &Path<'_>, mut list: A) -> Result<Self, A::Error> {
        let mut entries = Self::new();
        while let Some(next) = entry::<T, A>(&Path::Index(path, entries.len()), &mut list)? {
            if entries.len() == ENTRIES_MAX {
                return Err(path.too_many(ENTRIES_MAX));
            }
            entries.push(next.unwrap_or_else(T::absent));
        }
        Ok(entries)
    }
}

/// What stands for a `null` in a list.
pub(super) trait Absent {
    fn absent() -> Self;
}

impl Absent for Payload {
    fn absent() -> Self {
        Self::empty()
    }
}

impl Absent for String {
    fn absent() -> Self {
        Self::new()
    }
}

impl Absent for u64 {
    fn absent() -> Self {
        0
    }
}

/// Texts by name. `null` is the empty text. An empty list is an empty map: PHP writes both the same way.
impl Known for BTreeMap<String, String> {
    const EXPECTED: &'static str = "an object of strings or null";

    fn from_list<'de, A: SeqAccess<'de>>(path: &Path<'_>, list: A) -> Result<Self, A::Error> {
        empty_list(path, Self::EXPECTED, list).map(|()| Self::new())
    }

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut texts = Self::new();
        while let Some(key) = map.next_key::<String>()? {
            if texts.len() == ENTRIES_MAX {
                return Err(path.too_many(ENTRIES_MAX));
            }
            let text: Option<String> = value(&Path::Value(path), &mut map)?;
            texts.insert(key, text.unwrap_or_default());
        }
        Ok(texts)
    }
}

/// Accepts `[]` where an object is expected (defect R20).
pub(super) fn empty_list<'de, A: SeqAccess<'de>>(
    path: &Path<'_>,
    expected: &str,
    mut list: A,
) -> Result<(), A::Error> {
    match list.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(path.wrong(expected, "a list with entries")),
    }
}

//! Reading of JSON the way DTM's clients may write it, with errors that name the field.
//!
//! `null` leaves a field as it is, the last of several equal keys counts, keys are matched whatever their
//! case, unknown keys are skipped unread. Errors name the path of a value and what was expected, never the
//! value itself: bodies carry payloads and secrets. No call recurses deeper than the types that are read, so
//! that the depth of a body does not matter.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Entries of one list or map that are read at most, whatever the configured limits say. It bounds the memory
/// that a body of many tiny entries takes before its limits are checked.
pub(crate) const ENTRIES_MAX: usize = 100_000;

/// Why a body cannot be read. The message names the field and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

/// Reads `bytes` as one `T`. `root` is what messages call it; the keys of `body` go without that prefix.
pub(crate) fn read<T: Known>(root: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    let path = Path::Root(root);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let slot = Slot { path: &path, of: PhantomData };
    let syntax = |error: serde_json::Error| DecodeError(format!("{root} is not usable JSON: {error}"));
    let value = slot.deserialize(&mut deserializer).map_err(syntax)?;
    deserializer.end().map_err(syntax)?;
    value.ok_or_else(|| DecodeError(format!("{root} must be {}, but is null", T::EXPECTED)))
}

/// A type that can stand for a known field. Each method takes one kind of JSON value; a kind that is not
/// taken is an error that names the field.
pub(crate) trait Known: Sized {
    /// What is allowed, to follow "must be".
    const EXPECTED: &'static str;

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_integer(_: i64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_list<'de, A: SeqAccess<'de>>(path: &Path<'_>, _: A) -> Result<Self, A::Error> {
        Err(path.wrong(Self::EXPECTED, "a list"))
    }

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, _: A) -> Result<Self, A::Error> {
        Err(path.wrong(Self::EXPECTED, "an object"))
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    Root(&'static str),
    Field(&'a Path<'a>, &'static str),
    Index(&'a Path<'a>, usize),
    /// A value of a map whose keys are data.
    Value(&'a Path<'a>),
}

impl Path<'_> {
    pub(crate) fn wrong<E: de::Error>(&self, expected: &str, found: &str) -> E {
        E::custom(format_args!("{self} must be {expected}, but is {found}"))
    }

    pub(crate) fn too_many<E: de::Error>(&self, limit: usize) -> E {
        E::custom(format_args!("{self} has more than {limit} entries"))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) | Self::Field(Self::Root("body"), name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Value(parent) => write!(f, "each value of {parent}"),
        }
    }
}

/// Overwrites `field` with the next value of `map`, unless that is `null`.
pub(crate) fn fill<'de, T: Known, A: MapAccess<'de>>(
    field: &mut T,
    path: &Path<'_>,
    map: &mut A,
) -> Result<(), A::Error> {
    if let Some(value) = map.next_value_seed(Slot { path, of: PhantomData })? {
        *field = value;
    }
    Ok(())
}

/// The next value of `map`; `None` for `null`.
pub(crate) fn value<'de, T: Known, A: MapAccess<'de>>(
    path: &Path<'_>,
    map: &mut A,
) -> Result<Option<T>, A::Error> {
    map.next_value_seed(Slot { path, of: PhantomData })
}

/// The next entry of `list`: `None` at the end, `Some(None)` for `null`.
pub(crate) fn entry<'de, T: Known, A: SeqAccess<'de>>(
    path: &Path<'_>,
    list: &mut A,
) -> Result<Option<Option<T>>, A::Error> {
    list.next_element_seed(Slot { path, of: PhantomData })
}

/// Skips the next value of `map` unread.
pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// A value at a path, or `None` for `null`.
struct Slot<'p, T> {
    path: &'p Path<'p>,
    of: PhantomData<T>,
}

impl<T: Known> Slot<'_, T> {
    fn or_wrong<E: de::Error>(&self, value: Option<T>, found: &str) -> Result<Option<T>, E> {
        value.map(Some).ok_or_else(|| self.path.wrong(T::EXPECTED, found))
    }
}

impl<'de, T: Known> DeserializeSeed<'de> for Slot<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Known> Visitor<'de> for Slot<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to be {}", self.path, T::EXPECTED)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<T>, E> {
        self.or_wrong(T::from_bool(value), "a boolean")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        self.or_wrong(T::from_integer(value), "a number that is out of range or in the wrong place")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        let value = i64::try_from(value).ok().and_then(T::from_integer);
        self.or_wrong(value, "a number that is out of range or in the wrong place")
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Option<T>, E> {
        Err(self.path.wrong(T::EXPECTED, "a number with a fraction or out of range"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Option<T>, E> {
        self.or_wrong(T::from_text(value), "a string")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Option<T>, A::Error> {
        T::from_list(self.path, list).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::from_object(self.path, map).map(Some)
    }
}

/// Reads a key as one of a set of names: exactly, or else whatever its case. Any other key is `None`.
pub(crate) struct KeyOf(pub(crate) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let find = |same: fn(&str, &str) -> bool| self.0.iter().copied().find(|name| same(name, key));
        Ok(find(|name, key| name == key).or_else(|| find(str::eq_ignore_ascii_case)))
    }
}

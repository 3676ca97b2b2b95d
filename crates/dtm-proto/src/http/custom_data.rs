//! `custom_data`: JSON text inside a string, with a form of its own for sagas, messages and workflows.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error, MapAccess, SeqAccess};

use dtm_core::model::{Ordering, Payload, Predecessors, Seconds, StepIndex};

use super::json::{DecodeError, KeyOf, Known, Path, fill, read, skip, value};
use super::limits::RequestLimits;
use super::request_error::RequestError;
use super::seconds::seconds;
use super::values::empty_list;

/// Entries of `orders` that are read at most, whatever the configured limit says.
const ORDER_ENTRIES_READ_MAX: usize = 1_000_000;

/// The order of the steps of a saga: `{"concurrent":bool,"orders":{"1":[0]}}` (behaviour 63 to 67).
pub(super) fn saga_ordering(
    text: &str,
    steps: usize,
    limits: &RequestLimits,
) -> Result<Ordering, RequestError> {
    let Some(Saga { concurrent, orders }) = read_unless_empty(text)? else {
        return Ok(Ordering::Sequential);
    };
    if orders.entries > limits.order_entries_max {
        return Err(RequestError::field(
            "custom_data.orders",
            format!("has {} entries, at most {} are allowed", orders.entries, limits.order_entries_max),
        ));
    }
    let ordering = Ordering::concurrent(steps, &orders.predecessors)?;
    match &ordering {
        Ordering::Concurrent(graph) if !concurrent => {
            check_agrees_with_list(graph)?;
            Ok(Ordering::Sequential)
        }
        Ordering::Concurrent(_) | Ordering::Sequential => Ok(ordering),
    }
}

/// Without `concurrent` the steps run as listed, so that orders may only say what holds anyway. DTM drops them
/// silently; whoever sent others expects something that would not happen.
fn check_agrees_with_list(graph: &Predecessors) -> Result<(), RequestError> {
    let later = |(step, before): (StepIndex, &[StepIndex])| {
        before.last().filter(|last| **last > step).map(|last| (step, *last))
    };
    match graph.iter().find_map(later) {
        None => Ok(()),
        Some((step, last)) => Err(RequestError::field(
            "custom_data.orders",
            format!(
                "makes step {} wait for step {}, but without \"concurrent\":true the steps run as listed",
                step.get(),
                last.get()
            ),
        )),
    }
}

/// The delay of a message: `{"delay":N}` (behaviour 90).
pub(super) fn message_delay(text: &str) -> Result<Option<Seconds>, RequestError> {
    match read_unless_empty(text)? {
        None => Ok(None),
        Some(Message { delay }) => seconds("custom_data.delay", delay),
    }
}

/// Name and input of a workflow: `{"name":N,"data":<base64|null>}` (behaviour 94).
pub(super) fn workflow_input(text: &str) -> Result<(String, Payload), RequestError> {
    match read_unless_empty(text)? {
        None => Ok((String::new(), Payload::empty())),
        Some(Workflow { name, data }) => Ok((name, base64("custom_data.data", &data)?)),
    }
}

/// Standard base64, with or without padding.
pub(super) fn base64(field: &str, text: &str) -> Result<Payload, RequestError> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    match GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text) {
        Ok(bytes) => Ok(Payload::from(bytes)),
        Err(_) => Err(RequestError::field(field, "must be standard base64")),
    }
}

fn read_unless_empty<T: Known>(text: &str) -> Result<Option<T>, DecodeError> {
    match text.trim_ascii() {
        "" | "null" => Ok(None),
        text => read("custom_data", text.as_bytes()).map(Some),
    }
}

struct Saga {
    concurrent: bool,
    orders: Orders,
}

impl Known for Saga {
    const EXPECTED: &'static str = "a JSON object with concurrent and orders";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self { concurrent: false, orders: Orders::default() };
        while let Some(key) = map.next_key_seed(KeyOf(&["concurrent", "orders"]))? {
            match key {
                Some(name @ "concurrent") => fill(&mut it.concurrent, &Path::Field(path, name), &mut map)?,
                Some(name) => fill(&mut it.orders, &Path::Field(path, name), &mut map)?,
                None => skip(&mut map)?,
            }
        }
        Ok(it)
    }
}

/// For a step the steps that it waits for.
#[derive(Default)]
struct Orders {
    predecessors: BTreeMap<u64, Vec<u64>>,
    /// Steps and predecessors that were read.
    entries: usize,
}

impl Known for Orders {
    const EXPECTED: &'static str = "an object such as {\"1\":[0]}, or null";

    fn from_list<'de, A: SeqAccess<'de>>(path: &Path<'_>, list: A) -> Result<Self, A::Error> {
        empty_list(path, Self::EXPECTED, list).map(|()| Self::default())
    }

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(key) = map.next_key::<String>()? {
            let Ok(step) = key.parse::<u64>() else {
                return Err(A::Error::custom(format_args!(
                    "{path} must have the 0-based numbers of steps as keys, such as {{\"1\":[0]}}"
                )));
            };
            let before: Vec<u64> = value(&Path::Value(path), &mut map)?.unwrap_or_default();
            it.entries += 1 + before.len();
            if it.entries > ORDER_ENTRIES_READ_MAX {
                return Err(path.too_many(ORDER_ENTRIES_READ_MAX));
            }
            it.predecessors.insert(step, before);
        }
        Ok(it)
    }
}

struct Message {
    delay: i64,
}

impl Known for Message {
    const EXPECTED: &'static str = "a JSON object with delay";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut delay = 0;
        while let Some(key) = map.next_key_seed(KeyOf(&["delay"]))? {
            match key {
                Some(name) => fill(&mut delay, &Path::Field(path, name), &mut map)?,
                None => skip(&mut map)?,
            }
        }
        Ok(Self { delay })
    }
}

struct Workflow {
    name: String,
    data: String,
}

impl Known for Workflow {
    const EXPECTED: &'static str = "a JSON object with name and data";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self { name: String::new(), data: String::new() };
        while let Some(key) = map.next_key_seed(KeyOf(&["name", "data"]))? {
            match key {
                Some(name @ "name") => fill(&mut it.name, &Path::Field(path, name), &mut map)?,
                Some(name) => fill(&mut it.data, &Path::Field(path, name), &mut map)?,
                None => skip(&mut map)?,
            }
        }
        Ok(it)
    }
}

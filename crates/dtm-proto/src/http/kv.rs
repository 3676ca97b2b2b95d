//! Topics as they are shown: entries of a key-value table (behaviour 34, 35).

use serde::Serialize;

use dtm_core::model::Timestamp;

use super::encode::encode;
use super::rfc3339::Rfc3339;

/// The category of topics, the only one that there is.
pub const TOPICS_CATEGORY: &str = "topics";

/// A topic to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// URL and remark of each subscriber.
    pub subscribers: Vec<(&'a str, &'a str)>,
    /// 1 when created, one more with each change.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Serialize)]
struct Row<'a> {
    id: u32,
    create_time: Rfc3339,
    update_time: Rfc3339,
    cat: &'static str,
    k: &'a str,
    v: String,
    version: u64,
}

#[derive(Serialize)]
struct Subscriber<'a> {
    url: &'a str,
    remark: &'a str,
}

impl<'a> Row<'a> {
    fn new(entry: &TopicEntry<'a>) -> Self {
        let subscribers: Vec<_> =
            entry.subscribers.iter().map(|&(url, remark)| Subscriber { url, remark }).collect();
        Self {
            id: 0, // as it is with DTM's Redis and BoltDB stores
            create_time: Rfc3339(entry.created_at),
            update_time: Rfc3339(entry.updated_at),
            cat: TOPICS_CATEGORY,
            k: entry.name,
            v: String::from_utf8_lossy(&encode(&subscribers)).into_owned(),
            version: entry.version,
        }
    }
}

/// The answer to `queryKV`: an empty list when there is nothing.
#[must_use]
pub fn query_kv_body(entry: Option<&TopicEntry<'_>>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        kv: Vec<Row<'a>>,
    }
    encode(&Body { kv: entry.into_iter().map(Row::new).collect() })
}

/// The answer to `scanKV`, and where the next page begins; the empty text when there is none.
#[must_use]
pub fn scan_kv_body(entries: &[TopicEntry<'_>], next_position: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        kv: Vec<Row<'a>>,
        next_position: &'a str,
    }
    encode(&Body { kv: entries.iter().map(Row::new).collect(), next_position })
}

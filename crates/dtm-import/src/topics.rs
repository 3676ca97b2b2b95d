//! Topics: whoever subscribed there, subscribes here.

use serde::Deserialize;

use dtm_store::{Error, Subscriber, TopicStore};

use crate::KeyValueRecord;
use crate::target::{Taken, Target};

/// The category of topics; DTM's API writes no other.
pub(crate) const TOPICS: &str = "topics";
/// The longest name of a topic in bytes, as in the API of the server.
const NAME_BYTES_MAX: usize = 255;

#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    remark: String,
}

/// The subscribers that a record names.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn subscribers(record: &KeyValueRecord) -> Result<Vec<Subscriber>, String> {
    let name = &record.key;
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        return Err(format!("a topic has a name of 1 to {NAME_BYTES_MAX} bytes without control characters"));
    }
    let entries: Option<Vec<Entry>> = serde_json::from_str(&record.value)
        .map_err(|error| format!("its subscribers cannot be read: {error}"))?;
    let subscriber = |entry: Entry| Subscriber { url: entry.url, remark: entry.remark };
    Ok(entries.into_iter().flatten().map(subscriber).collect())
}

impl Target {
    /// Takes a topic, unless there is one with all these subscribers.
    pub(crate) async fn take_topic(&self, name: &str, subscribers: &[Subscriber]) -> Result<Taken, Error> {
        let (topics, writes): (&dyn TopicStore, bool) = match self {
            Self::Written { store, .. } => (store.as_ref(), true),
            Self::LookedAt(Some(store)) => (store.as_ref(), false),
            Self::LookedAt(None) => return Ok(Taken::New),
        };
        match topics.load_topic(name).await? {
            Some(topic) if subscribers.iter().all(|subscriber| topic.subscribers.contains(subscriber)) => {
                Ok(Taken::Before)
            }
            Some(_) => Ok(Taken::Conflict("this topic has other subscribers here".to_owned())),
            None if !writes => Ok(Taken::New),
            None => match topics.save_topic(name, subscribers, None).await {
                Ok(_) => Ok(Taken::New),
                Err(error @ Error::Conflict { .. }) => Ok(Taken::Conflict(error.to_string())),
                Err(error) => Err(error),
            },
        }
    }
}

//! A topic: its subscribers and its version.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use dtm_core::model::Timestamp;

use super::CodecError;
use super::document::{VERSION, from_text, to_text};
use crate::{Subscriber, Topic};

const NAME: &str = "topic";

/// The document of a topic.
///
/// # Errors
/// [`CodecError`] when it cannot be written as JSON.
pub fn encode_topic(topic: &Topic) -> Result<String, CodecError> {
    let Topic { name, subscribers, version, created_at, updated_at } = topic;
    let document = TopicDocument {
        v: VERSION,
        name: name.into(),
        subscribers: subscribers
            .iter()
            .map(|Subscriber { url, remark }| SubscriberDocument { url: url.into(), remark: remark.into() })
            .collect(),
        version: *version,
        created_at: created_at.as_millis(),
        updated_at: updated_at.as_millis(),
    };
    to_text(NAME, &document, 128)
}

/// The topic in a document.
///
/// # Errors
/// [`CodecError`] when it is not exactly a document of a known version.
pub fn decode_topic(text: &str) -> Result<Topic, CodecError> {
    let document: TopicDocument<'_> = from_text(NAME, text, |document: &TopicDocument<'_>| document.v)?;
    Ok(Topic {
        name: document.name.into_owned(),
        subscribers: document
            .subscribers
            .into_iter()
            .map(|subscriber| Subscriber {
                url: subscriber.url.into_owned(),
                remark: subscriber.remark.into_owned(),
            })
            .collect(),
        version: document.version,
        created_at: Timestamp::from_millis(document.created_at),
        updated_at: Timestamp::from_millis(document.updated_at),
    })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicDocument<'a> {
    v: u32,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    subscribers: Vec<SubscriberDocument<'a>>,
    version: u64,
    created_at: u64,
    updated_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriberDocument<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    remark: Cow<'a, str>,
}

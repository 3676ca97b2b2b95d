//! Topics with versions.

use dtm_core::model::Timestamp;
use dtm_store::codec::{decode_topic, encode_topic};
use dtm_store::{Error, Subscriber, Topic};

use crate::client::Kind;
use crate::fault::Fault;
use crate::reply::{read, strange};
use crate::scripts::{TOPIC_DELETE, TOPIC_LOAD, TOPIC_SAVE, TOPIC_SCAN};
use crate::store::Redis;

impl Redis {
    fn topic_keys(&self) -> [String; 2] {
        [self.keys.shared("topics"), self.keys.shared("topic-names")]
    }

    /// The text of a topic, and the time.
    async fn topic_text(&self, name: &str) -> Result<(Option<String>, Timestamp), Fault> {
        let [topics, _] = self.topic_keys();
        let call = TOPIC_LOAD.call(self.keys.everywhere(), &[topics]).arg(self.given_now()).arg(name);
        let (text, now): (Option<String>, String) = read(self.client.run_one(Kind::Read, call).await?)?;
        let now = now.parse().map_err(|_| strange(&format!("'{now}' is no time")))?;
        Ok((text, Timestamp::from_millis(now)))
    }

    pub(crate) async fn topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        let (text, _) = self.topic_text(name).await.map_err(Fault::error)?;
        text.map(|text| decode(name, &text)).transpose()
    }

    /// Writes only if the topic is still what was read a moment before.
    pub(crate) async fn write_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        let (text, now) = self.topic_text(name).await.map_err(Fault::error)?;
        let found = text.as_deref().map(|text| decode(name, text)).transpose()?;
        let topic = Topic::changed(name, subscribers, expected, found.as_ref(), now)?;
        let new = encode_topic(&topic).map_err(|error| error.rejected(&format!("topic {name}")))?;
        let call = TOPIC_SAVE
            .call(self.keys.everywhere(), &self.topic_keys())
            .arg(name)
            .arg(text.unwrap_or_default())
            .arg(new);
        let answer = self.client.run_one(Kind::Write, call).await.and_then(read);
        if answer.map_err(Fault::error)? {
            Ok(topic.version)
        } else {
            Err(Topic::conflict(name, expected, "a later one"))
        }
    }

    /// Whether there was one.
    pub(crate) async fn remove_topic(&self, name: &str) -> Result<bool, Fault> {
        let call = TOPIC_DELETE.call(self.keys.everywhere(), &self.topic_keys()).arg(name);
        read(self.client.run_one(Kind::Write, call).await?)
    }

    /// Topics behind that name, by name.
    pub(crate) async fn topics(&self, after: Option<&str>, limit: usize) -> Result<Vec<Topic>, Error> {
        let smallest = after.map_or_else(|| "-".to_owned(), |name| format!("({name}"));
        let call = TOPIC_SCAN.call(self.keys.everywhere(), &self.topic_keys()).arg(smallest).arg(limit);
        let answer = self.client.run_one(Kind::Read, call).await.and_then(read);
        let (names, texts): (Vec<String>, Vec<Option<String>>) = answer.map_err(Fault::error)?;
        let read = |(name, text): (String, Option<String>)| match text {
            Some(text) => decode(&name, &text),
            None => Err(Error::Rejected {
                what: format!("topic {name}"),
                detail: "its name is listed, but it is not there".to_owned(),
            }),
        };
        names.into_iter().zip(texts).map(read).collect()
    }
}

/// A topic that cannot be read stops nobody but itself.
fn decode(name: &str, text: &str) -> Result<Topic, Error> {
    decode_topic(text).map_err(|error| error.rejected(&format!("topic {name}")))
}

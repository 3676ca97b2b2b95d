//! Topics with versions.

use std::ops::Bound;

use dtm_core::model::Timestamp;
use dtm_store::{Cursor, Error, Subscriber, Topic};

use super::Tables;

impl Tables {
    pub(super) fn save_topic(
        &mut self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let topic = Topic::changed(name, subscribers, expected, self.topics.get(name), now)?;
        let version = topic.version;
        self.put_topic(name, Some(topic));
        Ok(version)
    }

    pub(super) fn delete_topic(&mut self, name: &str) -> Result<(), Error> {
        if !self.topics.contains_key(name) {
            return Err(Error::NotFound(format!("topic {name}")));
        }
        self.put_topic(name, None);
        Ok(())
    }

    pub(super) fn scan_topics(&self, after: Option<&Cursor>, limit: usize) -> (Vec<Topic>, Option<Cursor>) {
        let start = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.0.as_str()));
        let mut rest = self.topics.range::<str, _>((start, Bound::Unbounded));
        let page: Vec<Topic> = rest.by_ref().take(limit).map(|(_, topic)| topic.clone()).collect();
        let next = page.last().filter(|_| rest.next().is_some()).map(|topic| Cursor(topic.name.clone()));
        (page, next)
    }
}

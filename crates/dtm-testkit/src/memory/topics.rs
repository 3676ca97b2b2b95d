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
        version: u64,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let stored = self.topics.get(name);
        let found = stored.map_or(0, |topic| topic.version);
        if found != version {
            return Err(Error::Conflict {
                what: format!("topic {name}"),
                expected: format!("version {version}"),
                found: format!("version {found}"),
            });
        }
        let topic = Topic {
            name: name.to_owned(),
            subscribers: subscribers.to_vec(),
            version: version + 1,
            created_at: stored.map_or(now, |topic| topic.created_at),
            updated_at: now,
        };
        self.put_topic(name, Some(topic));
        Ok(version + 1)
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

//! Subscribers of topics.

use dtm_core::model::Timestamp;

use crate::{Cursor, Error};

/// A topic and the URLs that a message to it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Who gets its messages, in the order of subscription.
    pub subscribers: Vec<Subscriber>,
    /// 1 when created, one more with each change.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One URL that gets the messages of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The URL of the branch.
    pub url: String,
    /// Whatever the subscriber wants to say about it.
    pub remark: String,
}

impl Topic {
    /// What a change makes of the stored topic.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not the expected one.
    pub fn changed(
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Self>,
        stored: Option<&Self>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        if stored != expected {
            return Err(Self::conflict(name, expected, &Self::shown(stored)));
        }
        Ok(Self {
            name: name.to_owned(),
            subscribers: subscribers.to_vec(),
            version: stored.map_or(0, |stored| stored.version).saturating_add(1),
            created_at: stored.map_or(now, |stored| stored.created_at),
            updated_at: now,
        })
    }

    /// The error of a change that expected something else than was found.
    #[must_use]
    pub fn conflict(name: &str, expected: Option<&Self>, found: &str) -> Error {
        Error::Conflict {
            what: format!("topic {name}"),
            expected: Self::shown(expected),
            found: found.to_owned(),
        }
    }

    fn shown(topic: Option<&Self>) -> String {
        let of =
            |topic: &Self| format!("version {}, changed at {}", topic.version, topic.updated_at.as_millis());
        topic.map_or_else(|| "no such topic".to_owned(), of)
    }
}

/// The role of a store that keeps topics.
#[async_trait::async_trait]
pub trait TopicStore: Send + Sync {
    /// The topic as it is now; `None` when there is none.
    ///
    /// # Errors
    /// [`Error`] when the store cannot read.
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error>;

    /// Writes the subscribers of a topic. `expected` is the topic as the caller has read it, `None` to create it.
    /// Once it has returned, the topic has these subscribers and the next version, which is the result.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the stored topic is another one, also one of the same version that was created anew
    /// meanwhile: a lost race is never a lost update.
    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error>;

    /// Removes a topic. Once it has returned, the topic does not exist; created anew it starts at version 1.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not exist.
    async fn delete_topic(&self, name: &str) -> Result<(), Error>;

    /// Topics in the order of their names, from behind `after`, at most `limit`, and fewer when they are large.
    /// The cursor is `None` after the last page.
    ///
    /// # Errors
    /// [`Error`] when the store cannot read.
    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error>;
}

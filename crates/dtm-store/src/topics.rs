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

/// The role of a store that keeps topics.
#[async_trait::async_trait]
pub trait TopicStore: Send + Sync {
    /// The topic as it is now; `None` when there is none.
    ///
    /// # Errors
    /// [`Error`] when the store cannot read.
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error>;

    /// Writes the subscribers of a topic. `version` is the version that the caller has read, 0 to create it.
    /// Once it has returned, the topic has these subscribers and `version + 1`, which is the result.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the stored version is another one: a lost race is never a lost update.
    async fn save_topic(&self, name: &str, subscribers: &[Subscriber], version: u64) -> Result<u64, Error>;

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

//! What the use cases of topics have in common: names that can be stored, and changes that lose nothing.

use std::time::Duration;

use rand::Rng;

use dtm_store::{Error, Subscriber, Topic, TopicStore};

use super::{Api, ApiError, Class};

/// The longest name of a topic in bytes. It fits an indexed column of every store.
const NAME_BYTES_MAX: usize = 255;
/// How often a change is decided again because one of another server came first.
const TRIES: u32 = 64;
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Checks the name of a topic.
///
/// # Errors
/// [`ApiError`] when it is empty (behaviour 33), too long or has a control character.
pub(super) fn check_name(topic: &str) -> Result<(), ApiError> {
    let bytes = topic.len();
    if bytes == 0 {
        return Err(ApiError::new(Class::Internal, "empty topic".to_owned()));
    }
    if bytes > NAME_BYTES_MAX {
        let message = format!("topic is {bytes} bytes long, at most {NAME_BYTES_MAX} are allowed");
        return Err(ApiError::new(Class::Invalid, message));
    }
    if topic.contains(char::is_control) {
        return Err(ApiError::new(Class::Invalid, "topic has a control character".to_owned()));
    }
    Ok(())
}

/// Replaces the subscribers of a topic by what `decide` makes of them. A race that is lost is decided again on
/// what the winner has written, so that nothing is overwritten unseen (behaviour 34).
///
/// # Errors
/// The error of `decide`, or that the store failed, or that other changes always came first.
pub(super) async fn change(
    api: &Api,
    topic: &str,
    decide: impl Fn(Option<&Topic>) -> Result<Vec<Subscriber>, ApiError>,
) -> Result<(), ApiError> {
    let _turn = api.topic_turns.of(topic).await.ok_or_else(|| busy(topic))?;
    change_stored(api.topics.as_ref(), topic, decide).await
}

async fn change_stored(
    topics: &dyn TopicStore,
    topic: &str,
    decide: impl Fn(Option<&Topic>) -> Result<Vec<Subscriber>, ApiError>,
) -> Result<(), ApiError> {
    let mut pause = Duration::from_millis(1);
    for _ in 0..TRIES {
        let stored = topics.load_topic(topic).await.map_err(of_store)?;
        let subscribers = decide(stored.as_ref())?;
        match topics.save_topic(topic, &subscribers, stored.as_ref()).await {
            Ok(_) => return Ok(()),
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(of_store(error)),
        }
        // Spread, because those who lost together would come back together.
        let spread = rand::rng().random_range(0.5..1.5);
        tokio::time::sleep(pause.mul_f64(spread)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Err(busy(topic))
}

/// Decision 15.
fn busy(topic: &str) -> ApiError {
    let message = format!("topic {topic} is being changed by somebody else: try again");
    ApiError::new(Class::Failure, message)
}

/// The error of the store.
pub(super) fn of_store(error: Error) -> ApiError {
    crate::runner::RequestError::Store(error).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use dtm_core::model::Timestamp;
    use dtm_store::Cursor;
    use dtm_testkit::{ManualClock, MemoryStore};

    use super::*;

    fn subscriber(url: &str) -> Subscriber {
        Subscriber { url: url.to_owned(), remark: String::new() }
    }

    /// A store that another server changes just before each of the next writes.
    struct Contested {
        store: MemoryStore,
        rivals: AtomicU32,
    }

    impl Contested {
        fn by(rivals: u32) -> Self {
            let clock = ManualClock::new(Timestamp::from_millis(1));
            let store = MemoryStore::new(Arc::new(clock), Duration::from_secs(1));
            Self { store, rivals: AtomicU32::new(rivals) }
        }

        async fn urls(&self) -> Vec<String> {
            let topic = self.store.load_topic("t").await.unwrap().unwrap();
            topic.subscribers.into_iter().map(|subscriber| subscriber.url).collect()
        }
    }

    #[async_trait]
    impl TopicStore for Contested {
        async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
            self.store.load_topic(name).await
        }

        async fn save_topic(
            &self,
            name: &str,
            of: &[Subscriber],
            expected: Option<&Topic>,
        ) -> Result<u64, Error> {
            let left = self.rivals.load(Ordering::SeqCst);
            if left > 0 {
                self.rivals.store(left - 1, Ordering::SeqCst);
                let topic = self.store.load_topic(name).await?;
                let mut subscribers = topic.as_ref().map_or_else(Vec::new, |it| it.subscribers.clone());
                subscribers.push(subscriber(&format!("rival {left}")));
                self.store.save_topic(name, &subscribers, topic.as_ref()).await?;
            }
            self.store.save_topic(name, of, expected).await
        }

        async fn delete_topic(&self, name: &str) -> Result<(), Error> {
            self.store.delete_topic(name).await
        }

        async fn scan_topics(
            &self,
            after: Option<&Cursor>,
            limit: usize,
        ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
            self.store.scan_topics(after, limit).await
        }
    }

    async fn add(store: &Contested, url: &str) -> Result<(), ApiError> {
        change_stored(store, "t", |stored| {
            let mut subscribers = stored.map_or_else(Vec::new, |stored| stored.subscribers.clone());
            subscribers.push(subscriber(url));
            Ok(subscribers)
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_another_server_came_before_is_decided_again_and_overwrites_nothing() {
        // behaviour 34
        let store = Contested::by(3);
        add(&store, "own").await.unwrap();
        assert_eq!(store.urls().await, ["rival 3", "rival 2", "rival 1", "own"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_others_always_come_before_is_given_up_with_a_conflict() {
        // decision 15
        let store = Contested::by(u32::MAX);
        let error = add(&store, "own").await.unwrap_err();
        assert_eq!((error.class, error.message.contains("try again")), (Class::Failure, true));
        assert!(!store.urls().await.contains(&"own".to_owned()));
    }
}

//! What the use cases of topics have in common: names that can be stored, and changes that lose nothing.

use std::time::Duration;

use rand::Rng;

use dtm_store::{Error, Subscriber, Topic};

use super::{Api, ApiError, Class};

/// The longest name of a topic in bytes. It fits an indexed column of every store.
const NAME_BYTES_MAX: usize = 255;
/// How often a change is decided again because another one came first.
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
    let mut pause = Duration::from_millis(1);
    for _ in 0..TRIES {
        let stored = api.topics.load_topic(topic).await.map_err(of_store)?;
        let subscribers = decide(stored.as_ref())?;
        let version = stored.map_or(0, |stored| stored.version);
        match api.topics.save_topic(topic, &subscribers, version).await {
            Ok(_) => return Ok(()),
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(of_store(error)),
        }
        // Spread, because those who lost together would come back together.
        let spread = rand::rng().random_range(0.5..1.5);
        tokio::time::sleep(pause.mul_f64(spread)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    let message = format!("topic {topic} is being changed by somebody else: try again");
    Err(ApiError::new(Class::Failure, message)) // decision 15
}

/// The error of the store.
pub(super) fn of_store(error: Error) -> ApiError {
    crate::runner::RequestError::Store(error).into()
}

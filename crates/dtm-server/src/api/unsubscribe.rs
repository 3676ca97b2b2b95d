//! A subscriber that leaves a topic.

use dtm_store::{Subscriber, Topic};

use super::topic_change::{change, check_name};
use super::{Api, ApiError, Class};

/// Takes a URL out of a topic. Messages that are stored already keep their branches (behaviour 33, 34). The
/// topic stays, if need be without subscribers.
///
/// # Errors
/// [`ApiError`] saying why not; nothing was stored then unless the class is internal and the store failed.
pub async fn unsubscribe(api: &Api, topic: &str, url: &str) -> Result<(), ApiError> {
    check_name(topic)?;
    if url.is_empty() {
        return Err(refused("empty url"));
    }
    change(api, topic, |stored| without_subscriber(stored, url)).await
}

fn without_subscriber(stored: Option<&Topic>, url: &str) -> Result<Vec<Subscriber>, ApiError> {
    let stored = stored.ok_or_else(|| refused("no such a topic"))?;
    if stored.subscribers.is_empty() {
        return Err(refused("this topic is empty"));
    }
    let mut subscribers = stored.subscribers.clone();
    subscribers.retain(|subscriber| subscriber.url != url);
    if subscribers.len() == stored.subscribers.len() {
        return Err(refused("no such an url ")); // the blank is DTM's
    }
    Ok(subscribers)
}

/// Behaviour 33 pins the texts, and that they come as internal errors.
fn refused(message: &str) -> ApiError {
    ApiError::new(Class::Internal, message.to_owned())
}

//! A new subscriber of a topic.

use dtm_core::model::Protocol;
use dtm_store::{Subscriber, Topic};

use super::topic_change::{change, check_name};
use super::{Api, ApiError, Class};
use crate::transport::UrlError;

/// The most subscribers of one topic: each message to it makes as many branches.
const SUBSCRIBERS_MAX: usize = 1_000;
/// The most bytes of all URLs and remarks of one topic: each change rewrites them, each message reads them.
const BYTES_MAX: usize = 1 << 20;
/// What a URL that is there already is refused with (behaviour 33).
pub(crate) const ALREADY_SUBSCRIBED: &str = "this url exists";
/// The longest remark in bytes.
const REMARK_BYTES_MAX: usize = 1_024;

/// Adds a URL to a topic, which is created with its first one. Messages that are stored from now on go to it
/// too (behaviour 33, 34, decision 22).
///
/// # Errors
/// [`ApiError`] saying why not; nothing was stored then unless the class is internal and the store failed.
pub async fn subscribe(api: &Api, topic: &str, url: &str, remark: &str) -> Result<(), ApiError> {
    check_name(topic)?;
    check(api, url, remark)?;
    change(api, topic, |stored| with_subscriber(topic, stored, url, remark)).await
}

fn check(api: &Api, url: &str, remark: &str) -> Result<(), ApiError> {
    if url.is_empty() {
        return Err(ApiError::new(Class::Internal, "empty url".to_owned()));
    }
    let invalid = |message: String| Err(ApiError::new(Class::Invalid, message));
    let (bytes, limit) = (url.len(), api.limits.url_bytes_max);
    if bytes > limit {
        return invalid(format!("url is {bytes} bytes long, at most {limit} are allowed (MaxUrlBytes)"));
    }
    let bytes = remark.len();
    if bytes > REMARK_BYTES_MAX {
        return invalid(format!("remark is {bytes} bytes long, at most {REMARK_BYTES_MAX} are allowed"));
    }
    callable(api, url).or_else(|error| invalid(format!("url: {error}")))
}

/// Whether messages of any protocol could call it: which one they have is known only when they are stored.
fn callable(api: &Api, url: &str) -> Result<(), UrlError> {
    let check = |protocol| api.callable.check_url(url, protocol);
    check(Protocol::Http)
        .or_else(|error| check(Protocol::Grpc).map_err(|_| error))
        .or_else(|error| check(Protocol::JsonRpc).map_err(|_| error))
}

fn with_subscriber(
    topic: &str,
    stored: Option<&Topic>,
    url: &str,
    remark: &str,
) -> Result<Vec<Subscriber>, ApiError> {
    let mut subscribers = stored.map_or_else(Vec::new, |stored| stored.subscribers.clone());
    if subscribers.iter().any(|subscriber| subscriber.url == url) {
        return Err(ApiError::new(Class::Internal, ALREADY_SUBSCRIBED.to_owned()));
    }
    if subscribers.len() >= SUBSCRIBERS_MAX {
        let message = format!("topic {topic} has {SUBSCRIBERS_MAX} subscribers, more are not allowed");
        return Err(ApiError::new(Class::Invalid, message));
    }
    let own = |subscriber: &Subscriber| subscriber.url.len() + subscriber.remark.len();
    if subscribers.iter().map(own).sum::<usize>() + url.len() + remark.len() > BYTES_MAX {
        let message =
            format!("topic {topic} has {BYTES_MAX} bytes of URLs and remarks, more are not allowed");
        return Err(ApiError::new(Class::Invalid, message));
    }
    subscribers.push(Subscriber { url: url.to_owned(), remark: remark.to_owned() });
    Ok(subscribers)
}

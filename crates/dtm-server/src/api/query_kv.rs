//! One entry of the key-value table: a topic.

use dtm_proto::http::TOPICS_CATEGORY;
use dtm_store::Topic;

use super::topic_change::of_store;
use super::{Api, ApiError, Class};

/// The entry `key` of a category; `None` when there is none, as in every category but `topics` (behaviour 35).
///
/// # Errors
/// [`ApiError`] when no key is given, or when the store fails.
pub async fn query_kv(api: &Api, category: &str, key: &str) -> Result<Option<Topic>, ApiError> {
    if key.is_empty() {
        let message = "key is empty: name one, or list them all with scanKV".to_owned();
        return Err(ApiError::new(Class::Invalid, message));
    }
    if category != TOPICS_CATEGORY {
        return Ok(None);
    }
    api.topics.load_topic(key).await.map_err(of_store)
}

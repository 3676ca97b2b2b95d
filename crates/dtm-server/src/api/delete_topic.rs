//! The end of a topic.

use dtm_store::Error;

use super::topic_change::{check_name, of_store};
use super::{Api, ApiError, Class};

/// Removes a topic with its subscribers. Messages that are stored already keep their branches (behaviour 33).
///
/// # Errors
/// [`ApiError`] when there is no such topic or the store fails.
pub async fn delete_topic(api: &Api, topic: &str) -> Result<(), ApiError> {
    check_name(topic)?;
    api.topics.delete_topic(topic).await.map_err(|error| match error {
        Error::NotFound(_) => ApiError::new(Class::Internal, "storage: NotFound".to_owned()),
        error => of_store(error),
    })
}

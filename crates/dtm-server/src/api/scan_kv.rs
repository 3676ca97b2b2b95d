//! A listing of the key-value table: topics.

use dtm_proto::http::TOPICS_CATEGORY;
use dtm_store::{Cursor, Topic};

use super::topic_change::of_store;
use super::{Api, ApiError};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanKv {
    /// The category; there is nothing in any but `topics`.
    pub category: String,
    /// Where the last page ended.
    pub position: Option<Cursor>,
    /// How many at most.
    pub limit: usize,
}

/// Entries in the order of their names, and where the next page begins (behaviour 35).
///
/// # Errors
/// [`ApiError`] when the store fails.
pub async fn scan_kv(api: &Api, request: &ScanKv) -> Result<(Vec<Topic>, Option<Cursor>), ApiError> {
    if request.category != TOPICS_CATEGORY {
        return Ok((Vec::new(), None));
    }
    api.topics.scan_topics(request.position.as_ref(), request.limit).await.map_err(of_store)
}

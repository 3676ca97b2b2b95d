//! What every use case needs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Seconds, Timestamp};
use dtm_proto::http::RequestLimits;
use dtm_store::{Clock, TopicStore};

use super::TopicTurns;
use crate::runner::Engine;
use crate::transport::Callable;

/// What every use case needs. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// Where requests are carried out.
    pub engine: Engine,
    /// Where topics are.
    pub topics: Arc<dyn TopicStore>,
    /// Whose turn it is to change one.
    pub topic_turns: Arc<TopicTurns>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What can be called at all.
    pub callable: Callable,
    /// How large the parts of a request may be.
    pub limits: Arc<RequestLimits>,
    /// The configured `TimeoutToFail`: three times it is the default of `resetCronTime`.
    pub timeout_to_fail: Seconds,
    /// How long a request with `wait_result` waits at most.
    pub wait_result_max: Duration,
}

impl Api {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("engine", &self.engine)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

//! The use cases of the server, one a file, the same for every protocol.
//!
//! A use case takes a decoded request and answers with a value or an [`ApiError`]; how both look on the wire
//! is up to the [`ingress`](crate::ingress).

mod abort;
mod admission;
mod all;
mod context;
mod delete_topic;
mod error;
mod force_stop;
mod new_gid;
mod prepare;
mod prepare_workflow;
mod query;
mod query_kv;
mod register_branch;
mod reset_cron_time;
mod reset_next_cron_time;
mod scan_kv;
mod submit;
mod subscribe;
mod topic_change;
mod topic_expansion;
mod topic_turns;
mod unsubscribe;
mod wait_result;

pub use abort::abort;
pub use all::{AllRequest, all};
pub use context::Api;
pub use delete_topic::delete_topic;
pub use error::{ApiError, Class};
pub use force_stop::force_stop;
pub use new_gid::new_gid;
pub use prepare::prepare;
pub use prepare_workflow::prepare_workflow;
pub use query::query;
pub use query_kv::query_kv;
pub use register_branch::register_branch;
pub use reset_cron_time::{ResetCronTime, reset_cron_time};
pub use reset_next_cron_time::reset_next_cron_time;
pub use scan_kv::{ScanKv, scan_kv};
pub use submit::submit;
pub(crate) use subscribe::ALREADY_SUBSCRIBED;
pub use subscribe::subscribe;
pub use topic_turns::TopicTurns;
pub use unsubscribe::unsubscribe;

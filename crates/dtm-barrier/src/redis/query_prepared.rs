//! The back-check of a message.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionLike;

use super::value::{failed, key, seconds, written_by};
use crate::branch::MESSAGE_USE;
use crate::{BranchBarrier, BranchOp, BranchResult, Done};

static QUERY_PREPARED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("query_prepared.lua")));

impl BranchBarrier {
    /// Whether the amount that belongs to a message was changed: the answer to its back-check. When it was not, it cannot be any
    /// more, for as long as the row is kept (`keep_for`, at least a second).
    ///
    /// # Errors
    /// [`BranchError::RollBack`](crate::BranchError::RollBack) when it was not changed; otherwise
    /// [`BranchError::Retry`](crate::BranchError::Retry).
    pub async fn redis_query_prepared<C: ConnectionLike>(
        &self,
        connection: &mut C,
        keep_for: Duration,
    ) -> BranchResult {
        let context = self.context();
        let mut call = QUERY_PREPARED.key(key(&context.of_message()?, BranchOp::Message, MESSAGE_USE));
        call.arg(seconds(keep_for)?);
        let found: String =
            call.invoke_async(connection).await.map_err(|error| failed("answer the back-check", error))?;
        match written_by(context, BranchOp::Message, &found)? {
            BranchOp::Message => Ok(Done),
            _ => Err(context.not_prepared()),
        }
    }
}

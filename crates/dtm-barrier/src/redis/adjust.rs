//! Changing an amount behind the barrier.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionLike;

use super::value::{failed, key, seconds, value, written_by};
use crate::{
    BarrierError, BranchBarrier, BranchError, BranchOp, Called, OwnRow, Skip, Verdict, origin, verdict,
};

static ADJUST: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("adjust.lua")));

impl BranchBarrier {
    /// Adds to the whole number at a key, or takes from it when `amount` is negative, if this call is the first of its kind.
    /// The rows of the barrier are kept for `keep_for`, at least a second.
    ///
    /// Taking more than there is, or from a key that is not there, changes nothing and is a "no". A compensation is never
    /// refused: it may make the amount negative, and makes a key that is gone anew.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use dtm_barrier::{BranchBarrier, BranchResult, Done};
    /// use redis::aio::MultiplexedConnection;
    ///
    /// async fn reserve(connection: &mut MultiplexedConnection, mut barrier: BranchBarrier) -> BranchResult {
    ///     barrier.redis_adjust(connection, "stock", -1, Duration::from_secs(7 * 86_400)).await?;
    ///     Ok(Done)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BranchError::RollBack`] from an action, a try or a message when there is too little, and for a message of which a
    /// back-check has found that it will not be; otherwise [`BranchError::Retry`] with a [`BarrierError`]: also from a confirm
    /// or a commit when there is too little, because those cannot say "no".
    pub async fn redis_adjust<C: ConnectionLike>(
        &mut self,
        connection: &mut C,
        amount_key: &str,
        amount: i64,
        keep_for: Duration,
    ) -> Result<Called<()>, BranchError> {
        let barrier_id = self.begin_use()?;
        let context = self.context();
        let op = context.op;
        let mut call = ADJUST.key(amount_key);
        call.key(key(context, op, &barrier_id));
        if let Some(origin) = origin(op) {
            call.key(key(context, origin, &barrier_id));
        }
        call.arg(amount).arg(value(context)).arg(seconds(keep_for)?);
        let said: String =
            call.invoke_async(connection).await.map_err(|error| failed("change the amount", error))?;
        let called = match said.as_str() {
            "RAN" => Called::Ran(()),
            "NOTHING" => Called::NothingToDo(Skip::NothingToUndo),
            "LACK" => return Err(lack(op, amount_key)),
            found => {
                let by = written_by(context, op, found)?;
                match verdict(op, false, OwnRow::There { by: by.as_str() }) {
                    Verdict::NothingToDo(skip) => Called::NothingToDo(skip),
                    Verdict::RolledBack => return Err(context.not_prepared()),
                    Verdict::First | Verdict::Unreadable => {
                        let (gid, reason) = (context.gid.clone(), by.to_string());
                        return Err(BarrierError::UnknownReason { gid, reason }.into());
                    }
                }
            }
        };
        self.end_use();
        Ok(called)
    }
}

/// What the op says that found too little.
fn lack(op: BranchOp, amount_key: &str) -> BranchError {
    match op {
        BranchOp::Action | BranchOp::Try | BranchOp::Message => {
            BranchError::roll_back(format!("there is too little at {amount_key}"))
        }
        _ => BarrierError::Lack { key: amount_key.to_owned() }.into(),
    }
}

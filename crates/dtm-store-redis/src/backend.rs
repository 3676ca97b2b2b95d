//! One batch: a pipeline of scripts for each server that has any of it.

use std::sync::Arc;

use dtm_store::{Error, group_commit};

use crate::client::Kind;
use crate::scripts::Call;
use crate::store::Redis;

/// The committers' side of the store.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) redis: Arc<Redis>,
}

#[async_trait::async_trait]
impl group_commit::Backend for Backend {
    type Operation = crate::operation::Operation;
    type Output = ();

    /// Each operation is a script of its own and gets its own answer, so this itself never fails. Those of one
    /// transaction go to one server over one connection, and keep their order.
    async fn execute(&self, operations: Arc<Vec<Self::Operation>>) -> Result<Vec<Result<(), Error>>, Error> {
        let calls: Vec<Call> = operations.iter().map(|operation| self.redis.write(operation)).collect();
        let answers = self.redis.client.run(Kind::Write, &calls).await;
        let verdict = |(operation, answer)| match answer {
            Ok(value) => Redis::written(operation, value),
            Err(fault) => Err(crate::fault::Fault::error(fault)),
        };
        Ok(operations.iter().zip(answers).map(verdict).collect())
    }
}

//! The committers' side of the store.

use std::sync::Arc;
use std::time::Instant;

use dtm_store::{Error, group_commit};

use crate::client::Insist;
use crate::fault::Fault;
use crate::operation::Operation;
use crate::store::Redis;

/// Writes their batches.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) redis: Arc<Redis>,
}

/// An operation, and until when it is worth trying.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) operation: Arc<Operation>,
    pub(crate) until: Instant,
}

/// What became of an operation.
#[derive(Debug)]
pub(crate) enum Written {
    Done,
    /// Certainly not executed, and the same may succeed in a moment. It leaves the batch, so that it holds up nobody.
    NotYet(Fault),
    /// Not executed, because its record or an index is of another type.
    WrongType(Fault),
}

#[async_trait::async_trait]
impl group_commit::Backend for Backend {
    type Operation = Wanted;
    type Output = Written;

    /// Each operation gets its own answer, so this itself never fails. Those of one transaction go to one server over one
    /// connection, and keep their order.
    async fn execute(&self, operations: Arc<Vec<Wanted>>) -> Result<Vec<Result<Written, Error>>, Error> {
        let now = Instant::now();
        let in_time = |wanted: &&Wanted| wanted.until > now;
        let timely: Vec<&Operation> =
            operations.iter().filter(in_time).map(|wanted| &*wanted.operation).collect();
        let mut answers = self.redis.write_all(Insist::Briefly, &timely).await.into_iter();
        let verdict = |wanted: &Wanted| {
            let answer = if in_time(&wanted) { answers.next() } else { None };
            match answer {
                Some(Ok(value)) => Redis::written(&wanted.operation, value).map(|()| Written::Done),
                Some(Err(fault)) if fault.is_passing() => Ok(Written::NotYet(fault)),
                Some(Err(fault @ Fault::WrongType(_))) => Ok(Written::WrongType(fault)),
                Some(Err(fault)) => Err(fault.error()),
                // The server is in trouble: what waited behind others for so long is answered before it is asked.
                None => {
                    Ok(Written::NotYet(Fault::Later("Redis does not keep up with the writes".to_owned())))
                }
            }
        };
        Ok(operations.iter().map(verdict).collect())
    }
}

//! One batch: rounds in which no transaction occurs twice, each of them one durable write.

use std::collections::HashMap;
use std::sync::Arc;

use dtm_core::model::Status;
use dtm_store::{Error, group_commit};

use crate::database::Database;
use crate::fault::Fault;
use crate::operation::{Appending, Operation};
use crate::record::HeadRecord;

/// The committers' side of the store.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) database: Arc<dyn Database>,
}

type Answer = Result<(), Error>;

#[async_trait::async_trait]
impl group_commit::Backend for Backend {
    type Operation = Operation;
    type Output = ();

    /// Each operation gets its own answer, so this itself never fails: a round that was written stays written,
    /// whatever happens to the next one.
    async fn execute(&self, operations: Arc<Vec<Operation>>) -> Result<Vec<Answer>, Error> {
        let mut answers: Vec<Option<Answer>> = operations.iter().map(|_| None).collect();
        let mut trouble: Option<Error> = None;
        for round in rounds(&operations) {
            let chosen: Vec<&Operation> = round.iter().map(|index| &operations[*index]).collect();
            for (index, answer) in round.iter().zip(self.round(&chosen, &mut trouble).await) {
                answers[*index] = Some(answer);
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(no_answer()))).collect())
    }
}

impl Backend {
    /// Once the database is in trouble the rest is not tried: each write might wait for the same time-out.
    async fn round(&self, operations: &[&Operation], trouble: &mut Option<Error>) -> Vec<Answer> {
        if let Some(error) = trouble {
            return operations.iter().map(|_| Err(error.clone())).collect();
        }
        match self.write(operations).await {
            Ok(written) => self.answers(operations, &written).await,
            // one row that the database does not take must not fail its neighbours
            Err(Fault::Content(detail)) if operations.len() > 1 => {
                tracing::debug!(
                    detail,
                    count = operations.len(),
                    "a batch failed, its operations go one by one"
                );
                let mut answers = Vec::with_capacity(operations.len());
                for operation in operations {
                    answers.extend(Box::pin(self.round(&[*operation], trouble)).await);
                }
                answers
            }
            Err(fault) => {
                let content = matches!(fault, Fault::Content(_));
                let error = fault.of(operations.first().map_or("", |operation| operation.gid().as_str()));
                if !content {
                    *trouble = Some(error.clone());
                }
                operations.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    async fn write(&self, operations: &[&Operation]) -> Result<Vec<bool>, Fault> {
        let mut attempt = 0;
        loop {
            match self.database.write(operations).await {
                Err(fault) if fault.again(&mut attempt).await => {}
                result => return result,
            }
        }
    }

    /// Finds out why some took no effect.
    async fn answers(&self, operations: &[&Operation], written: &[bool]) -> Vec<Answer> {
        let refused = |operation: &&Operation| !matches!(operation, Operation::Create(_));
        let gids: Vec<String> = operations
            .iter()
            .zip(written)
            .filter(|(operation, written)| !**written && refused(operation))
            .map(|(operation, _)| operation.gid().to_string())
            .collect();
        let heads = if gids.is_empty() { Ok(Vec::new()) } else { self.database.heads(&gids).await };
        let heads = heads.map_err(|fault| fault.of("the conflict"));
        let found: Result<HashMap<&str, &HeadRecord>, &Error> =
            heads.as_ref().map(|heads| heads.iter().map(|head| (head.gid.as_str(), head)).collect());
        let answer = |(operation, written): (&&Operation, &bool)| match &found {
            _ if *written => Ok(()),
            _ if matches!(operation, Operation::Create(_)) => {
                Err(Error::AlreadyExists(operation.gid().to_string()))
            }
            Ok(found) => Err(why(operation, found.get(operation.gid().as_str()).copied())),
            Err(error) => Err((*error).clone()),
        };
        operations.iter().zip(written).map(answer).collect()
    }
}

/// Why a write took no effect, from what is stored.
fn why(operation: &Operation, found: Option<&HeadRecord>) -> Error {
    let gid = operation.gid();
    let Some(found) = found else { return Error::NotFound(gid.to_string()) };
    let head = match found.head(gid) {
        Ok(head) => head,
        Err(error) => return error,
    };
    let again = match operation {
        Operation::Create(_) => return Error::AlreadyExists(gid.to_string()),
        Operation::Commit(change) => head.committed(&change.commit),
        Operation::Register(Appending { owner, registered, .. }) => {
            head.registered(gid, owner, usize::try_from(*registered).unwrap_or(usize::MAX), 0)
        }
    };
    again.err().unwrap_or_else(|| Error::Conflict {
        what: gid.to_string(),
        expected: "nobody else to write at the same moment".to_owned(),
        found: format!("{}, changed again since", Status::as_str(head.status)),
    })
}

fn no_answer() -> Error {
    Error::Unavailable("the store gave no result for an operation".to_owned())
}

/// The operations by index, in rounds: those of one transaction in their order, one a round; each round by gid, so
/// that servers that write the same rows lock them in the same order.
fn rounds(operations: &[Operation]) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        let round = seen.entry(operation.gid().as_str()).and_modify(|round| *round += 1).or_insert(0);
        if *round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*round].push(index);
    }
    for round in &mut rounds {
        round.sort_unstable_by_key(|index| operations[*index].gid());
    }
    rounds
}

#[cfg(test)]
mod tests {
    use dtm_core::model::Gid;
    use dtm_store::OwnerToken;

    use super::*;

    #[test]
    fn operations_of_one_transaction_keep_their_order_and_rounds_are_sorted() {
        let owner = OwnerToken::parse("a:1:1").unwrap();
        let operations: Vec<Operation> = ["b", "a", "b", "c", "b", "a"]
            .into_iter()
            .map(|gid| {
                Operation::Register(Appending {
                    gid: Gid::parse(gid).unwrap(),
                    owner: owner.clone(),
                    registered: 0,
                    count: 0,
                    branches: Vec::new(),
                })
            })
            .collect();
        assert_eq!(rounds(&operations), [vec![1, 0, 3], vec![5, 2], vec![4]]);
        assert!(rounds(&[]).is_empty());
    }
}

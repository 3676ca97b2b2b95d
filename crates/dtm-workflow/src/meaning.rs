//! What an error means, wherever it hides.
//!
//! A generated gRPC client gives back a `tonic::Status`, and `?` makes of it what `?` makes of every error:
//! "try again later". A branch that was called through this crate said more than that, so its answer travels
//! along as the source of the status, and is looked for here.

use std::error::Error as StdError;

use dtm_barrier::BranchError;

/// The answer of a branch, as the source of an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Answered {
    /// It said no.
    #[error("{0}")]
    No(String),
    /// It is still at it.
    #[error("the branch is still at it")]
    Ongoing,
}

/// The error with the meaning that the branch gave it.
pub(crate) fn meant(error: BranchError) -> BranchError {
    let BranchError::Retry(boxed) = error else { return error };
    let mut next: Option<&(dyn StdError + 'static)> = Some(&*boxed);
    while let Some(current) = next {
        match current.downcast_ref::<Answered>() {
            Some(Answered::No(reason)) => return BranchError::RollBack(reason.clone()),
            Some(Answered::Ongoing) => return BranchError::Ongoing,
            None => next = current.source(),
        }
    }
    BranchError::Retry(boxed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Status;

    use super::*;

    #[test]
    fn what_a_branch_said_survives_the_question_mark() {
        let call = |answer: Option<Answered>| -> Result<(), BranchError> {
            let mut status = Status::aborted("no");
            if let Some(answer) = answer {
                status.set_source(Arc::new(answer));
            }
            Err(status)?;
            Ok(())
        };
        let meant = |answer| meant(call(answer).unwrap_err());
        assert!(
            matches!(meant(Some(Answered::No("no money".into()))), BranchError::RollBack(it) if it == "no money")
        );
        assert!(matches!(meant(Some(Answered::Ongoing)), BranchError::Ongoing));
        // A status of some other service: ABORTED is its business.
        assert!(matches!(meant(None), BranchError::Retry(_)));
    }
}

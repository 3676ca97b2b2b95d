//! From an async function to a branch that the transport can call.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;
use serde::de::DeserializeOwned;

use dtm_client::in_process::WorkflowCallback;
use dtm_core::model::Outcome;

use super::{BranchContext, BranchError, BranchResult, Done};
use crate::transport::{CalledFor, LocalBranch, LocalCall};

/// The longest name of a branch in bytes.
const NAME_BYTES_MAX: usize = 255;

/// What is wrong with the name of a branch, if anything is.
pub(super) fn problem_of_name(name: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        Some("its name has to begin with a letter from a to z")
    } else if !name.chars().all(allowed) {
        Some("its name may have letters from a to z, digits and / . _ - only")
    } else if name.len() > NAME_BYTES_MAX {
        Some("its name has more than 255 bytes")
    } else {
        None
    }
}

/// Makes a branch of a function.
pub(super) fn made_of<T, F, R>(function: F) -> LocalBranch
where
    T: DeserializeOwned,
    F: Fn(BranchContext, T) -> R + Send + Sync + 'static,
    R: Future<Output = BranchResult> + Send + 'static,
{
    Arc::new(move |call: LocalCall| match understood::<T>(call) {
        Ok((context, payload)) => function(context, payload).map(meaning).boxed(),
        Err(cause) => ready(Outcome::Unknown { cause }).boxed(),
    })
}

/// Makes a branch of whoever goes on with workflows.
pub(super) fn callback_of(workflows: Arc<dyn WorkflowCallback>) -> LocalBranch {
    Arc::new(move |call: LocalCall| {
        let CalledFor::Workflow(name) = call.op else {
            let cause = format!("{}: only workflows are called back here, and this is {}", call.url, call.op);
            return ready(Outcome::Unknown { cause }).boxed();
        };
        let workflows = Arc::clone(&workflows);
        async move {
            let input = call.payload.as_bytes().to_vec();
            meaning(workflows.resume(&name, &call.gid, input).await)
        }
        .boxed()
    })
}

/// What the result of a branch means for its transaction.
fn meaning(result: BranchResult) -> Outcome {
    match result {
        Ok(Done) => Outcome::Success,
        Err(BranchError::RollBack(reason)) => Outcome::Failure { reason },
        Err(BranchError::Ongoing) => Outcome::Ongoing,
        Err(error @ BranchError::Retry(_)) => Outcome::Unknown { cause: error.to_string() },
    }
}

/// The context and the payload of a call. What is wrong with it is said without repeating any of the payload.
fn understood<T: DeserializeOwned>(call: LocalCall) -> Result<(BranchContext, T), String> {
    let CalledFor::Branch(op) = call.op else {
        return Err(format!("{}: it is a branch, and workflows cannot be called back here", call.url));
    };
    let mut context = BranchContext::new(call.gid, call.branch_id, op, call.mode);
    context.phase2_url = call.phase2_url;
    let bytes = if call.payload.is_empty() { b"null".as_slice() } else { call.payload.as_bytes() };
    let payload = serde_json::from_slice(bytes).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        format!(
            "{}: the payload is not what the branch expects ({kind:?} at line {line}, column {column})",
            call.url
        )
    })?;
    Ok((context, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dtm_core::coordinator::BranchCall;

    use crate::transport::tests::fixtures::{call, cause};

    async fn run<T, F, R>(function: F, payload: &str) -> Outcome
    where
        T: DeserializeOwned,
        F: Fn(BranchContext, T) -> R + Send + Sync + 'static,
        R: Future<Output = BranchResult> + Send + 'static,
    {
        let call = BranchCall { payload: payload.into(), ..call("local:stock") };
        made_of(function)(LocalCall::try_from(&call).unwrap()).await
    }

    #[tokio::test]
    async fn each_result_has_its_meaning_and_only_a_roll_back_is_a_failure() {
        let with = async |result: fn() -> BranchResult| run(move |_, (): ()| ready(result()), "").await;
        assert_eq!(with(|| Ok(Done)).await, Outcome::Success);
        let no = with(|| Err(BranchError::roll_back("sold out"))).await;
        assert_eq!(no, Outcome::Failure { reason: "sold out".to_owned() });
        assert_eq!(with(|| Err(BranchError::Ongoing)).await, Outcome::Ongoing);
        let broken = with(|| Err(std::io::Error::other("FAILURE of the disk").into())).await;
        assert_eq!(cause(&broken), "try again later: FAILURE of the disk");
    }

    #[tokio::test]
    async fn a_payload_that_does_not_fit_is_tried_again_and_is_not_repeated_in_the_message() {
        let outcome = run(|_, _: u64| ready(Ok(Done)), "\"secret\"").await;
        assert_eq!(
            cause(&outcome),
            "local:stock: the payload is not what the branch expects (Data at line 1, column 8)"
        );
        assert_eq!(
            run(|_, n: u64| ready(if n == 7 { Ok(Done) } else { Err(BranchError::Ongoing) }), "7").await,
            Outcome::Success
        );
    }

    #[tokio::test]
    async fn a_branch_is_told_what_it_is_called_for() {
        let told = |context: BranchContext, (): ()| {
            let BranchContext { gid, branch_id, op, trans_type, .. } = context;
            ready(Err(BranchError::roll_back(format!("{gid} {branch_id} {op} {trans_type}"))))
        };
        assert_eq!(
            run(told, "null").await,
            Outcome::Failure { reason: "order-47 01 action saga".to_owned() }
        );
    }

    #[test]
    fn a_name_is_what_can_stand_in_a_url_and_is_no_port() {
        for good in ["stock", "stock/deduct", "a1._-"] {
            assert_eq!(problem_of_name(good), None, "{good}");
        }
        for bad in ["", "1a", "/a", "a b", "a?b", "ä", "a:b", &"x".repeat(256)] {
            assert!(problem_of_name(bad).is_some(), "{bad}");
        }
    }
}

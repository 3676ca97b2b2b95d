//! Requests of reqwest.

use dtm_barrier::{BranchContext, BranchError};
use dtm_core::model::Outcome;
use dtm_proto::outcome::{ResultProtocol, from_http};
use reqwest::{RequestBuilder, Response};

use super::patience::{ANSWER_BYTES_MAX, Unanswered, patiently};
use crate::model::StepEnd;

/// Sends a request in the name of a branch, with the parameters that the server itself would add.
pub(crate) async fn send(branch: &BranchContext, request: RequestBuilder) -> Result<StepEnd, BranchError> {
    let request = request.query(&[
        ("gid", branch.gid.as_str()),
        ("trans_type", branch.trans_type.as_str()),
        ("branch_id", branch.branch_id.as_str()),
        ("op", branch.op.as_str()),
    ]);
    patiently(async {
        // The address is left out of errors: it may hold a password.
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let code = response.status().as_u16();
        end_of(code, read_bounded(response).await?)
    })
    .await
}

/// The table that the server itself reads answers by.
fn end_of(code: u16, body: Vec<u8>) -> Result<StepEnd, BranchError> {
    match from_http(code, &body, ResultProtocol::Compat) {
        Outcome::Success => Ok(StepEnd::Succeeded(body)),
        Outcome::Failure { .. } => Ok(StepEnd::Refused(body)),
        Outcome::Ongoing => Err(BranchError::Ongoing),
        Outcome::Unknown { cause } | Outcome::NotSent { cause } => Err(Unanswered::Unclear(cause).into()),
    }
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, BranchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_what_it_means_to_the_server() {
        // decision 3
        let read = |code, body: &str| end_of(code, body.into());
        assert_eq!(read(200, "{\"a\":1}").unwrap(), StepEnd::Succeeded("{\"a\":1}".into()));
        assert_eq!(read(409, "no money").unwrap(), StepEnd::Refused("no money".into()));
        let body = r#"{"dtm_result":"FAILURE"}"#;
        assert_eq!(read(200, body).unwrap(), StepEnd::Refused(body.into()));
        assert!(matches!(read(425, ""), Err(BranchError::Ongoing)));
        for code in [201, 302, 400, 404, 500, 503] {
            assert!(matches!(read(code, "FAILURE is a word"), Err(BranchError::Retry(_))), "{code}");
        }
    }
}

//! The same requests in the envelope of JSON-RPC.

use dtm_proto::jsonrpc::{self, AnsweredError, Code, Method, call_body};

use super::verdict::judge;
use super::{Address, Answer, Http, Patience, Verdict};

impl Http {
    /// Calls a method; the error tells why there is no answer that can be relied on.
    pub(super) async fn call(
        &self,
        method: Method,
        params: &[u8],
        patience: Patience,
    ) -> Result<Called, String> {
        let id = format!("{:032x}", rand::random::<u128>());
        let body = call_body(method, &id, params);
        let answer = self.post(|address: &Address| address.json_rpc.clone(), &body, patience).await?;
        Ok(read(&answer, &id))
    }
}

/// What a call came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// Done; with the gid that newGid asked for.
    Done {
        gid: String,
    },
    Not(Verdict),
}

impl From<Called> for Verdict {
    fn from(called: Called) -> Self {
        match called {
            Called::Done { .. } => Self::Accepted,
            Called::Not(verdict) => verdict,
        }
    }
}

fn read(answer: &Answer, id: &str) -> Called {
    let Ok(jsonrpc::Answer { id: answered, gid, error }) = jsonrpc::Answer::decode(&answer.body) else {
        return Called::Not(match answer.verdict() {
            // an answer of the HTTP API is none to a call
            Verdict::Accepted => Verdict::Unclear { cause: "the answer is no JSON-RPC".to_owned() },
            verdict => verdict,
        });
    };
    match error {
        None if answered != id => Called::Not(Verdict::Unclear {
            cause: "the answer is one to another call: is this the address of the transaction manager?"
                .to_owned(),
        }),
        None => Called::Done { gid },
        Some(AnsweredError { code, message, status }) => {
            Called::Not(judge(http_code(code), message, status.as_deref()))
        }
    }
}

/// The HTTP status that stands for a code (behaviour 38, 39).
fn http_code(code: i64) -> u16 {
    let is = |expected: Code| code == i64::from(expected.number());
    if is(Code::Failure) {
        409
    } else if is(Code::Parse) || is(Code::Request) {
        400
    } else if is(Code::Method) {
        404
    } else {
        500
    }
}

#[cfg(test)]
mod tests {
    use dtm_core::model::Status;
    use dtm_proto::jsonrpc::{error_body, success_body};

    use super::*;

    fn verdict(code: u16, body: impl Into<Vec<u8>>) -> Verdict {
        read(&Answer { code, body: body.into() }, "1").into()
    }

    #[test]
    fn an_answer_to_this_call_without_an_error_is_accepted_and_nothing_else_is() {
        // behaviour 37
        assert_eq!(verdict(200, success_body("1", None)), Verdict::Accepted);
        for body in ["{}", "null", "<html>", r#"{"dtm_result":"SUCCESS"}"#] {
            assert!(matches!(verdict(200, body), Verdict::Unclear { .. }), "{body}");
        }
        assert!(matches!(verdict(200, success_body("2", None)), Verdict::Unclear { .. }));
    }

    #[test]
    fn each_code_has_the_meaning_that_the_same_answer_has_over_http() {
        // behaviour 38, 39, decision 5
        let error = |code, message: &str, status| verdict(200, error_body("1", code, message, status));
        assert!(matches!(
            error(Code::Failure, "no FAILURE", Some("failed")),
            Verdict::Stands { status: Status::Failed, .. }
        ));
        assert!(matches!(error(Code::Failure, "other content", None), Verdict::Conflict { code: 409, .. }));
        assert!(matches!(error(Code::Method, "no such method", None), Verdict::Refused { code: 404, .. }));
        assert!(matches!(error(Code::Parse, "no JSON", None), Verdict::Refused { code: 400, .. }));
        assert!(matches!(error(Code::Internal, "disk is slow", None), Verdict::Unclear { .. }));
        assert!(matches!(verdict(413, "too large"), Verdict::Refused { code: 413, .. }));
    }
}

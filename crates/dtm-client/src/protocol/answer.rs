//! How an answer to a submit is read.
//!
//! | HTTP | body | verdict |
//! |---|---|---|
//! | 200 | `dtm_result` is `SUCCESS` | accepted (with `wait_result`: succeeded) |
//! | 200 | anything else | unclear: something between us and the server answered |
//! | 409, 425 | has a `status`, or says `current status 'X'` | that status |
//! | 409, 425 | other | a conflict: the caller has to look further |
//! | 408, 429, 5xx, other 1xx to 2xx | | unclear |
//! | 3xx, other 4xx | | refused |

use dtm_core::model::Status;
use serde::Deserialize;

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Vec<u8>,
}

/// What an answer to a submit says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has it.
    Accepted,
    /// The server tells where the transaction stands.
    Stands {
        /// Where.
        status: Status,
        /// Why it is rolled back, when the answer says so.
        reason: Option<String>,
    },
    /// 409 or 425 without a status: other content, or a server that does not tell.
    Conflict {
        /// The text of the server.
        message: String,
    },
    /// Declined.
    Refused {
        /// The text of the server.
        message: String,
    },
    /// The server may have it or not.
    Unclear {
        /// Why.
        cause: String,
    },
}

#[derive(Debug, Default, Deserialize)]
struct Envelope {
    dtm_result: Option<String>,
    message: Option<String>,
    status: Option<String>,
}

impl Answer {
    /// Reads the answer to a submit.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.code, serde_json::from_slice::<Envelope>(&self.body)) {
            (200, Ok(envelope)) => match envelope.dtm_result.as_deref() {
                Some("SUCCESS") => Verdict::Accepted,
                Some("FAILURE" | "ONGOING") => self.conflict(envelope),
                Some(_) | None => Verdict::Unclear {
                    cause: "HTTP 200 without dtm_result: is this the address of the transaction manager?"
                        .to_owned(),
                },
            },
            (200, Err(error)) => {
                Verdict::Unclear { cause: format!("HTTP 200 with a body that cannot be read: {error}") }
            }
            (409 | 425, Ok(envelope)) => self.conflict(envelope),
            (409 | 425, Err(_)) => Verdict::Conflict { message: self.message() },
            (408 | 429 | 0..=299 | 500.., _) => {
                Verdict::Unclear { cause: format!("HTTP {}: {}", self.code, self.message()) }
            }
            (300..=499, _) => Verdict::Refused { message: self.message() },
        }
    }

    /// The `message` of the body, or the beginning of the body, on one line.
    pub(crate) fn message(&self) -> String {
        let envelope: Option<Envelope> = serde_json::from_slice(&self.body).ok();
        if let Some(message) = envelope.and_then(|envelope| envelope.message) {
            return message;
        }
        let text = String::from_utf8_lossy(&self.body);
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match dtm_core::model::truncate(&line, 200) {
            "" => "no message".to_owned(),
            short => short.to_owned(),
        }
    }

    fn conflict(&self, envelope: Envelope) -> Verdict {
        let message = envelope.message.unwrap_or_else(|| self.message());
        if let Some(status) = status_in(&message) {
            return Verdict::Stands { status, reason: None };
        }
        match envelope.status.as_deref().map(Status::parse) {
            Some(Ok(status)) => Verdict::Stands { status, reason: Some(without_marker(&message).to_owned()) },
            Some(Err(error)) => Verdict::Unclear { cause: format!("HTTP {}: {error}", self.code) },
            None => Verdict::Conflict { message },
        }
    }
}

/// The text without the word that marks it as a failure for other clients.
pub(crate) fn without_marker(message: &str) -> &str {
    let message = message.trim();
    message.strip_suffix("FAILURE").map_or(message, str::trim_end)
}

/// The `X` of `current status 'X', cannot sumbmit. FAILURE` (behaviour 16): the transaction is known, with
/// the same content, and has left the status in which it can be submitted.
fn status_in(message: &str) -> Option<Status> {
    let (status, rest) = message.strip_prefix("current status '")?.split_once('\'')?;
    rest.contains("cannot sumbmit").then(|| Status::parse(status).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(code: u16, body: &str) -> Verdict {
        Answer { code, body: body.as_bytes().to_vec() }.verdict()
    }

    #[test]
    fn exactly_200_with_success_is_accepted() {
        // behaviour 1
        assert_eq!(verdict(200, r#"{"dtm_result":"SUCCESS"}"#), Verdict::Accepted);
        for (code, body) in [
            (201, r#"{"dtm_result":"SUCCESS"}"#),
            (200, "{}"),
            (200, "<html>"),
            (200, ""),
            (200, r#"{"dtm_result":1}"#),
        ] {
            assert!(matches!(verdict(code, body), Verdict::Unclear { .. }), "{code} {body}");
        }
    }

    #[test]
    fn a_status_in_the_body_tells_rolled_back_from_still_running() {
        // decision 5, behaviour 68
        assert_eq!(
            verdict(409, r#"{"dtm_result":"FAILURE","message":"no money FAILURE","status":"failed"}"#),
            Verdict::Stands { status: Status::Failed, reason: Some("no money".to_owned()) }
        );
        assert!(matches!(
            verdict(425, r#"{"dtm_result":"ONGOING","message":"ONGOING","status":"submitted"}"#),
            Verdict::Stands { status: Status::Submitted, .. }
        ));
    }

    #[test]
    fn a_submit_that_comes_too_late_tells_the_status() {
        // behaviour 16
        assert_eq!(
            verdict(
                409,
                r#"{"dtm_result":"FAILURE","message":"current status 'succeed', cannot sumbmit. FAILURE"}"#
            ),
            Verdict::Stands { status: Status::Succeed, reason: None }
        );
    }

    #[test]
    fn a_409_about_other_content_is_never_read_as_a_status() {
        // decision 1
        let message = "gid is in use by a transaction with other content: payloads[0] differs";
        let body = format!(r#"{{"dtm_result":"FAILURE","message":"{message}"}}"#);
        assert_eq!(verdict(409, &body), Verdict::Conflict { message: message.to_owned() });
    }

    #[test]
    fn a_4xx_is_refused_and_a_5xx_is_unclear() {
        // decision 14
        assert_eq!(
            verdict(400, r#"{"message":"payloads: 1 for 2 steps"}"#),
            Verdict::Refused { message: "payloads: 1 for 2 steps".to_owned() }
        );
        assert_eq!(
            verdict(404, "404 page not found\n"),
            Verdict::Refused { message: "404 page not found".to_owned() }
        );
        assert_eq!(verdict(301, ""), Verdict::Refused { message: "no message".to_owned() });
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(verdict(code, r#"{"message":"FAILURE"}"#), Verdict::Unclear { .. }), "{code}");
        }
    }
}

//! How an answer to a request about a transaction is read.
//!
//! | HTTP | body | verdict |
//! |---|---|---|
//! | 200 | `dtm_result` is `SUCCESS` | accepted (submit with `wait_result`: succeeded) |
//! | 200 | anything else | unclear: something between us and the server answered |
//! | 409, 425 | has a `status`, or says `current status 'X'` | that status |
//! | 409, 425 | other | a conflict: the caller has to look further |
//! | 500 | has a `status` | that status |
//! | 500 | `topic not found` | refused |
//! | 408, 429, 5xx, other 1xx to 2xx | | unclear |
//! | 3xx, other 4xx | | refused |
//!
//! JSON-RPC and gRPC have the same answers in other envelopes: `json_rpc`, `grpc`.

use dtm_core::model::Status;
use serde::Deserialize;

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Vec<u8>,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has done it.
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
        /// The HTTP status, also when the answer came over another protocol.
        code: u16,
        /// The text of the server.
        message: String,
    },
    /// Declined.
    Refused {
        /// The HTTP status, also when the answer came over another protocol.
        code: u16,
        /// The text of the server.
        message: String,
    },
    /// The server may have done it or not.
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
    /// Reads the answer.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.code, serde_json::from_slice::<Envelope>(&self.body)) {
            (200, Ok(envelope)) => match envelope.dtm_result.as_deref() {
                Some("SUCCESS") => Verdict::Accepted,
                Some("FAILURE" | "ONGOING") => self.declined(envelope),
                Some(_) | None => Verdict::Unclear {
                    cause: "HTTP 200 without dtm_result: is this the address of the transaction manager?"
                        .to_owned(),
                },
            },
            (200, Err(error)) => {
                Verdict::Unclear { cause: format!("HTTP 200 with a body that cannot be read: {error}") }
            }
            (409 | 425 | 500, Ok(envelope)) => self.declined(envelope),
            (code @ (409 | 425), Err(_)) => Verdict::Conflict { code, message: self.message() },
            (code, _) => judge(code, self.message(), None),
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

    fn declined(&self, envelope: Envelope) -> Verdict {
        let message = envelope.message.unwrap_or_else(|| self.message());
        judge(self.code, message, envelope.status.as_deref())
    }
}

/// What an error says: its HTTP status (or the one that stands for it), its text, and where it says that the
/// transaction stands (decision 5).
pub(super) fn judge(code: u16, message: String, status: Option<&str>) -> Verdict {
    if let Some(status) = status_in(&message) {
        return Verdict::Stands { status, reason: None };
    }
    match status.map(Status::parse) {
        Some(Ok(status)) => {
            return Verdict::Stands { status, reason: Some(without_marker(&message).to_owned()) };
        }
        Some(Err(error)) => return Verdict::Unclear { cause: format!("HTTP {code}: {error}") },
        None => {}
    }
    match code {
        // 200 with FAILURE or ONGOING is what some proxies make of it
        200 | 409 | 425 => Verdict::Conflict { code, message },
        // behaviour 86: nothing was stored
        500 if message == "topic not found" => Verdict::Refused { code, message },
        300..=407 | 409..=428 | 430..=499 => Verdict::Refused { code, message },
        _ => Verdict::Unclear { cause: format!("HTTP {code}: {message}") },
    }
}

/// The text without the word that marks it as a failure for other clients.
pub(crate) fn without_marker(message: &str) -> &str {
    let message = message.trim();
    message.strip_suffix("FAILURE").map_or(message, str::trim_end)
}

/// The `X` of `current status 'X', cannot sumbmit. FAILURE` and the like (behaviour 12, 16, 17): the
/// transaction is known, and has left the status in which that can be done.
fn status_in(message: &str) -> Option<Status> {
    let (before, rest) = message.split_once("current status '")?;
    let (status, after) = rest.split_once('\'')?;
    let ours = before.is_empty() || (before.starts_with("trans type: '") && before.ends_with("' "));
    let verb = [", cannot sumbmit", ", cannot prepare", ", cannot abort"];
    (ours && verb.iter().any(|verb| after.starts_with(verb))).then(|| Status::parse(status).ok()).flatten()
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
    fn a_prepare_or_an_abort_that_comes_too_late_tells_the_status() {
        // behaviour 12, 17
        for (message, status) in [
            ("current status 'succeed', cannot prepare. FAILURE", Status::Succeed),
            ("trans type: 'tcc' current status 'failed', cannot abort. FAILURE", Status::Failed),
        ] {
            let body = format!(r#"{{"dtm_result":"FAILURE","message":"{message}"}}"#);
            assert_eq!(verdict(409, &body), Verdict::Stands { status, reason: None });
        }
        let quoted = r#"{"message":"a branch said: current status 'failed', cannot abort"}"#;
        assert!(matches!(verdict(409, quoted), Verdict::Conflict { .. }));
    }

    #[test]
    fn an_error_that_tells_the_status_is_no_riddle_and_an_unknown_topic_is_a_refusal() {
        // behaviour 86, 91, decision 5
        let body = r#"{"message":"unkown result will be retried: 502","status":"submitted"}"#;
        assert!(matches!(verdict(500, body), Verdict::Stands { status: Status::Submitted, .. }));
        let body = r#"{"message":"topic not found"}"#;
        assert_eq!(verdict(500, body), Verdict::Refused { code: 500, message: "topic not found".to_owned() });
    }

    #[test]
    fn a_409_about_other_content_is_never_read_as_a_status() {
        // decision 1
        let message = "gid is in use by a transaction with other content: payloads[0] differs";
        let body = format!(r#"{{"dtm_result":"FAILURE","message":"{message}"}}"#);
        assert_eq!(verdict(409, &body), Verdict::Conflict { code: 409, message: message.to_owned() });
    }

    #[test]
    fn a_4xx_is_refused_and_a_5xx_is_unclear() {
        // decision 14
        assert_eq!(
            verdict(400, r#"{"message":"payloads: 1 for 2 steps"}"#),
            Verdict::Refused { code: 400, message: "payloads: 1 for 2 steps".to_owned() }
        );
        assert_eq!(
            verdict(404, "404 page not found\n"),
            Verdict::Refused { code: 404, message: "404 page not found".to_owned() }
        );
        assert_eq!(verdict(301, ""), Verdict::Refused { code: 301, message: "no message".to_owned() });
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(verdict(code, r#"{"message":"FAILURE"}"#), Verdict::Unclear { .. }), "{code}");
        }
    }
}

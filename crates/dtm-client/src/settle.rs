//! What the answer to a submit means for the caller.

use dtm_core::model::Status;

use crate::protocol::{Answer, Verdict, without_marker};
use crate::{Client, Error, Receipt};

/// A submit whose answer has to be judged.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    pub(crate) client: &'a Client,
    pub(crate) gid: &'a str,
    pub(crate) wait_result: bool,
}

impl Submission<'_> {
    /// The caller's result for an answer, or for the reason why there is none.
    pub(crate) async fn settle(&self, answer: Result<Answer, String>) -> Result<Receipt, Error> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(cause) => return Err(self.unknown(cause)),
        };
        match answer.verdict() {
            Verdict::Accepted => {
                let status = if self.wait_result { Status::Succeed } else { Status::Submitted };
                Ok(self.receipt(status))
            }
            Verdict::Stands { status, reason } => self.stands(status, reason).await,
            Verdict::Conflict { message } => self.conflict(answer.code, message).await,
            Verdict::Refused { message } => Err(self.refused(answer.code, message)),
            Verdict::Unclear { cause } => Err(self.unknown(cause)),
        }
    }

    async fn stands(&self, status: Status, reason: Option<String>) -> Result<Receipt, Error> {
        match status {
            Status::Succeed => Ok(self.receipt(status)),
            Status::Failed => {
                let reason = match reason {
                    Some(reason) => reason,
                    None => self.stored_reason().await,
                };
                Err(Error::RolledBack { gid: self.gid.to_owned(), reason })
            }
            Status::Prepared | Status::Submitted | Status::Aborting => {
                Err(Error::StillRunning { gid: self.gid.to_owned(), status })
            }
        }
    }

    /// A server that answers a waiting client as DTM does tells no status: the stored transaction decides,
    /// but only if the message is about it. A 409 about other content must never pass for an end of ours.
    async fn conflict(&self, code: u16, message: String) -> Result<Receipt, Error> {
        if !self.wait_result {
            return Err(self.refused(code, message));
        }
        let stored = match self.client.query(self.gid).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Err(self.refused(code, message)),
            Err(error) => return Err(self.unknown(format!("HTTP {code}: {message}, and then: {error}"))),
        };
        let reason = stored.rollback_reason.unwrap_or_else(String::new);
        let about_ours = message.starts_with("wait result not return success")
            || message == "ONGOING"
            || (!reason.is_empty() && without_marker(&message) == without_marker(&reason));
        if about_ours {
            self.stands(stored.status, Some(reason)).await
        } else {
            Err(self.refused(code, message))
        }
    }

    async fn stored_reason(&self) -> String {
        let stored = self.client.query(self.gid).await.ok().flatten();
        stored
            .and_then(|stored| stored.rollback_reason)
            .unwrap_or_else(|| "the server did not tell the reason".to_owned())
    }

    fn receipt(&self, status: Status) -> Receipt {
        Receipt { gid: self.gid.to_owned(), status }
    }

    fn refused(&self, code: u16, message: String) -> Error {
        Error::Refused { request: format!("submit of {}", self.gid), code, message }
    }

    fn unknown(&self, cause: String) -> Error {
        Error::Unknown { gid: self.gid.to_owned(), cause }
    }
}

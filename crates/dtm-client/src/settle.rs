//! What the answer to a submit, or to a prepare, means for the caller.

use dtm_core::model::Status;

use crate::protocol::{Verdict, without_marker};
use crate::{Client, Error, Receipt};

/// A submit whose answer has to be judged.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    pub(crate) client: &'a Client,
    pub(crate) gid: &'a str,
    pub(crate) wait_result: bool,
}

impl Submission<'_> {
    /// The caller's result.
    pub(crate) async fn settle(&self, verdict: Verdict) -> Result<Receipt, Error> {
        match verdict {
            Verdict::Accepted => {
                let status = if self.wait_result { Status::Succeed } else { Status::Submitted };
                Ok(self.receipt(status))
            }
            Verdict::Stands { status, reason } => self.stands(status, reason).await,
            Verdict::Conflict { code, message } => self.conflict(code, message).await,
            Verdict::Refused { code, message } => Err(self.refused(code, message)),
            Verdict::Unclear { cause } => Err(self.unknown(cause)),
        }
    }

    async fn stands(&self, status: Status, reason: Option<String>) -> Result<Receipt, Error> {
        match status {
            Status::Succeed => Ok(self.receipt(status)),
            Status::Failed => Err(rolled_back(self.client, self.gid, reason).await),
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

/// What the answer to a prepare means. Without an answer, nothing has been started: what may have been prepared
/// is not submitted, and so it is rolled back.
pub(crate) async fn settle_prepare(client: &Client, gid: &str, verdict: Verdict) -> Result<(), Error> {
    let request = || format!("prepare of {gid}");
    match verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Stands { status: Status::Succeed, .. } => {
            Err(Error::AlreadySucceeded { gid: gid.to_owned() })
        }
        Verdict::Stands { status: Status::Failed, reason } => Err(rolled_back(client, gid, reason).await),
        Verdict::Stands { status, .. } => Err(Error::StillRunning { gid: gid.to_owned(), status }),
        Verdict::Conflict { code, message } | Verdict::Refused { code, message } => {
            Err(Error::Refused { request: request(), code, message })
        }
        Verdict::Unclear { cause } => Err(Error::NoAnswer { request: request(), cause }),
    }
}

async fn rolled_back(client: &Client, gid: &str, reason: Option<String>) -> Error {
    let reason = match reason {
        Some(reason) => reason,
        None => {
            let stored = client.query(gid).await.ok().flatten();
            stored
                .and_then(|stored| stored.rollback_reason)
                .unwrap_or_else(|| "the server did not tell the reason".to_owned())
        }
    };
    Error::RolledBack { gid: gid.to_owned(), reason }
}

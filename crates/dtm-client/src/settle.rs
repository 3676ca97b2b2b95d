//! What the answer to a submit, or to a prepare, means for the caller.

use dtm_core::model::Status;

use crate::protocol::{Verdict, without_marker};
use crate::{Client, Error, Fate, Receipt};

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

/// What becomes of a transaction whose closure failed, by what the server said to the abort. Somebody else may
/// have run the same gid meanwhile, and have decided about it.
pub(crate) fn fate_after_abort(wait_result: bool, told: Result<Verdict, Error>) -> Fate {
    match told {
        Ok(Verdict::Accepted) if wait_result => Fate::RolledBack,
        Ok(Verdict::Stands { status: Status::Failed, .. }) => Fate::RolledBack,
        Ok(Verdict::Stands { status: Status::Succeed | Status::Submitted, .. }) => Fate::Submitted,
        // when the server did not hear of it, its time-out does the same
        Ok(
            Verdict::Accepted
            | Verdict::Stands { status: Status::Prepared | Status::Aborting, .. }
            | Verdict::Conflict { .. }
            | Verdict::Refused { .. }
            | Verdict::Unclear { .. },
        )
        | Err(_) => Fate::RollingBack,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(status: Status) -> Result<Verdict, Error> {
        Ok(Verdict::Stands { status, reason: None })
    }

    #[test]
    fn only_what_the_server_says_is_undone_is_told_as_undone() {
        let unclear = || Ok(Verdict::Unclear { cause: "no answer in time".to_owned() });
        let refused = || Ok(Verdict::Refused { code: 404, message: "no such transaction".to_owned() });
        for (wait_result, told, expected) in [
            (true, Ok(Verdict::Accepted), Fate::RolledBack),
            (false, Ok(Verdict::Accepted), Fate::RollingBack),
            (true, stands(Status::Failed), Fate::RolledBack),
            (true, stands(Status::Aborting), Fate::RollingBack),
            (true, stands(Status::Succeed), Fate::Submitted),
            (false, stands(Status::Submitted), Fate::Submitted),
            (true, unclear(), Fate::RollingBack),
            (true, refused(), Fate::RollingBack),
        ] {
            let asked = format!("{wait_result} {told:?}");
            assert_eq!(fate_after_abort(wait_result, told), expected, "{asked}");
        }
    }
}

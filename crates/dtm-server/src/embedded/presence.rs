//! Whether the coordinator is there: clients exist before it starts, and after it has stopped.

use dtm_client::in_process::Declined;
use dtm_proto::http::TransactionRequest;
use tokio::sync::watch;

use crate::api::{Api, ApiError, Class};
use crate::transport::LocalBranches;

/// What a client needs of a coordinator.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) api: Api,
    pub(super) local: LocalBranches,
    /// The most bytes of URLs and payloads of one request.
    pub(super) bytes_max: usize,
}

/// Where a coordinator stands.
#[derive(Debug, Clone)]
pub(super) enum Presence {
    NotStarted,
    /// Branches of the last start may be called already, and their clients wait.
    Starting,
    Running(Reach),
    /// Nothing of it is kept: a branch that has a client must not keep the store, which keeps the branch.
    Stopped,
}

/// The way to a coordinator that comes and goes.
#[derive(Debug, Clone)]
pub(super) struct Handle(pub(super) watch::Receiver<Presence>);

impl Handle {
    /// The coordinator; waits while it is starting.
    pub(super) async fn reach(&self) -> Result<Reach, Declined> {
        let mut presence = self.0.clone();
        let known = presence.wait_for(|presence| !matches!(presence, Presence::Starting)).await;
        match known.as_deref() {
            Ok(Presence::Running(reach)) => Ok(reach.clone()),
            Ok(Presence::NotStarted) => Err(absent("has not been started: call start() of its builder")),
            Ok(Presence::Starting) | Err(_) => Err(absent("did not start")),
            Ok(Presence::Stopped) => Err(absent("has stopped")),
        }
    }

    /// The coordinator, if it is running at this moment.
    pub(super) fn running(&self) -> Option<Reach> {
        match &*self.0.borrow() {
            Presence::Running(reach) => Some(reach.clone()),
            Presence::NotStarted | Presence::Starting | Presence::Stopped => None,
        }
    }
}

/// Whether it has done something is open only in so far as a store may have it: nobody can say now.
fn absent(why: &str) -> Declined {
    Declined { code: 500, message: format!("the coordinator of this process {why}"), status: None }
}

impl Reach {
    /// What an ingress would refuse before a use case sees it.
    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), Declined> {
        let limit = self.bytes_max;
        if bytes <= limit {
            return Ok(());
        }
        let allowed = format!("at most {limit} are allowed (http.body_bytes_max)");
        let message = format!("it has {bytes} bytes of URLs and payloads, {allowed}");
        Err(Declined { code: 413, message, status: None })
    }
}

/// The bytes of a request that count.
pub(super) fn bytes_of(request: &TransactionRequest) -> usize {
    let urls = request.steps.iter().map(|step| step.action.len() + step.compensate.len());
    let payloads = request.payloads.iter().map(|payload| payload.as_bytes().len());
    let extra = request.req_extra.values().map(String::len);
    urls.chain(payloads).chain(extra).sum::<usize>() + request.custom_data.len()
}

/// As over HTTP.
pub(super) fn declined(error: ApiError) -> Declined {
    let code = match error.class {
        Class::Failure => 409,
        Class::Ongoing => 425,
        Class::Invalid => 400,
        Class::Internal => 500,
    };
    Declined { code, message: error.message, status: error.status }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn why(reached: Result<Reach, Declined>) -> String {
        let declined = reached.unwrap_err();
        assert_eq!((declined.code, declined.status), (500, None), "never read as a failure: {declined}");
        declined.message
    }

    #[tokio::test]
    async fn who_comes_during_the_start_waits_for_its_end_and_nobody_else_waits() {
        let presence = watch::Sender::new(Presence::NotStarted);
        let handle = Handle(presence.subscribe());
        assert!(why(handle.reach().await).contains("has not been started"));

        presence.send_replace(Presence::Starting);
        let mut waiting = Box::pin(handle.reach());
        assert!(waiting.as_mut().now_or_never().is_none());
        presence.send_replace(Presence::Stopped);
        assert!(why(waiting.await).contains("has stopped"));
        assert!(why(handle.reach().await).contains("has stopped"));
    }

    #[tokio::test]
    async fn who_waits_for_a_start_that_fails_is_told_so() {
        let presence = watch::Sender::new(Presence::Starting);
        let handle = Handle(presence.subscribe());
        let mut waiting = Box::pin(handle.reach());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(presence);
        assert!(why(waiting.await).contains("did not start"));
        assert!(handle.running().is_none());
    }
}

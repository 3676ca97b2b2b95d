//! Clients of the coordinator in this process: the use cases of the server, without a wire in between.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dtm_client::in_process;
use dtm_client::in_process::Declined;
use dtm_client::{Client, ClientBuilder};
use dtm_core::model::{Gid, Outcome, Payload, Registration, Transaction};
use dtm_proto::http::{RegisterRequest, TransactionRequest};

use super::BranchContext;
use super::presence::{Handle, Reach, bytes_of, declined};
use crate::api;
use crate::transport::{LocalCall, local_name};

impl Handle {
    /// A client with settings of the caller's.
    pub(super) fn client_builder(&self) -> ClientBuilder {
        Client::in_process_builder(Arc::new(self.clone()))
    }

    async fn reach_for(&self, request: &TransactionRequest) -> Result<Reach, Declined> {
        let reach = self.reach().await?;
        reach.check_bytes(bytes_of(request))?;
        Ok(reach)
    }
}

#[async_trait]
impl in_process::Coordinator for Handle {
    fn new_gid(&self) -> String {
        api::new_gid()
    }

    async fn prepare(&self, request: TransactionRequest) -> Result<(), Declined> {
        let reach = self.reach_for(&request).await?;
        api::prepare(&reach.api, &request).await.map_err(declined)
    }

    async fn submit(&self, request: TransactionRequest) -> Result<(), Declined> {
        let reach = self.reach_for(&request).await?;
        api::submit(&reach.api, &request).await.map_err(declined)
    }

    async fn abort(&self, request: TransactionRequest) -> Result<(), Declined> {
        let reach = self.reach_for(&request).await?;
        api::abort(&reach.api, &request).await.map_err(declined)
    }

    async fn register(&self, gid: &str, registration: &Registration) -> Result<(), Declined> {
        let reach = self.reach().await?;
        let request = RegisterRequest::of(gid, registration);
        let urls = request.confirm.len() + request.cancel.len() + request.url.len();
        reach.check_bytes(urls + request.data.as_bytes().len())?;
        api::register_branch(&reach.api, &request).await.map_err(declined)
    }

    async fn prepare_workflow(&self, request: TransactionRequest) -> Result<Transaction, Declined> {
        let reach = self.reach_for(&request).await?;
        let stored = api::prepare_workflow(&reach.api, &request).await.map_err(declined)?;
        Ok(stored.transaction)
    }

    async fn query(&self, gid: &str) -> Result<Option<Transaction>, Declined> {
        let reach = self.reach().await?;
        let gid = Gid::parse(gid).map_err(|error| declined(error.into()))?;
        let stored = api::query(&reach.api, &gid).await.map_err(declined)?;
        Ok(stored.map(|stored| stored.transaction))
    }

    fn check_branch(&self, url: &str) -> Option<Result<(), String>> {
        let name = local_name(url)?;
        // Before the start nobody knows yet; the call itself will tell.
        let Some(reach) = self.running() else { return Some(Ok(())) };
        Some(reach.local.check(name).map_err(|error| error.to_string()))
    }

    async fn call(&self, url: &str, context: BranchContext, payload: Payload, limit: Duration) -> Outcome {
        let reach = match tokio::time::timeout(limit, self.reach()).await {
            Ok(Ok(reach)) => reach,
            Ok(Err(absent)) => return Outcome::NotSent { cause: absent.message },
            Err(_) => {
                return Outcome::NotSent { cause: "the coordinator did not start in time".to_owned() };
            }
        };
        let Some(name) = local_name(url) else {
            return Outcome::NotSent { cause: "its URL does not begin with local:".to_owned() };
        };
        reach.local.attempt(name, LocalCall::by_client(url, context, payload), limit).await.outcome
    }
}

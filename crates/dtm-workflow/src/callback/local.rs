//! The callback for a coordinator in this process.

use async_trait::async_trait;
use dtm_barrier::BranchResult;
use dtm_client::in_process::WorkflowCallback;

use super::resume::resume;
use crate::Workflows;

/// Hand the workflows to the coordinator: `workflows` of the builder of `dtm_server::embedded`.
#[async_trait]
impl WorkflowCallback for Workflows {
    async fn resume(&self, name: &str, gid: &str, input: Vec<u8>) -> BranchResult {
        resume(self, name.to_owned(), gid.to_owned(), input).await
    }
}

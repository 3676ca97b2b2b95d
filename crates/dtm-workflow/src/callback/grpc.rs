//! The callback as a service of tonic.

use async_trait::async_trait;
use dtm_proto::grpc::workflow::WorkflowData;
use dtm_proto::grpc::workflow::workflow_server::{Workflow, WorkflowServer};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::resume::resume;
use crate::Workflows;

/// The service `workflow.Workflow`: see [`Workflows::grpc_callback`].
#[derive(Debug, Clone)]
pub struct GrpcCallback(Workflows);

impl Workflows {
    /// The callback over gRPC: add it to the services of your tonic server, and give the builder
    /// `host:port/workflow.Workflow/Execute`.
    #[must_use]
    pub fn grpc_callback(&self) -> WorkflowServer<GrpcCallback> {
        let max = self.limits().input_bytes_max;
        WorkflowServer::new(GrpcCallback(self.clone())).max_decoding_message_size(max)
    }
}

#[async_trait]
impl Workflow for GrpcCallback {
    async fn execute(&self, request: Request<WorkflowData>) -> Result<Response<()>, Status> {
        let name = text(request.metadata(), "dtm-op")?;
        let gid = text(request.metadata(), "dtm-gid")?;
        resume(&self.0, name, gid, request.into_inner().data).await?;
        Ok(Response::new(()))
    }
}

fn text(metadata: &MetadataMap, name: &str) -> Result<String, Status> {
    let refused =
        |why: &str| Status::invalid_argument(format!("not the callback of a workflow: {name} {why}"));
    let value = metadata.get(name).ok_or_else(|| refused("is missing"))?;
    match std::str::from_utf8(value.as_encoded_bytes()) {
        Ok("") => Err(refused("is empty")),
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(refused("is not UTF-8")),
    }
}

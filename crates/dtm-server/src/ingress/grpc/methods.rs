//! Which method is which use case.

use tonic::{Request, Response, Status};

use dtm_proto::grpc::dtmgimp::dtm_server::Dtm;
use dtm_proto::grpc::dtmgimp::{
    DtmBranchRequest, DtmGidReply, DtmProgressesReply, DtmRequest, DtmTopicRequest,
};
use dtm_proto::http::{RegisterRequest, TransactionRequest};

use super::status::status_of;
use crate::api;
use crate::api::{Api, ApiError, Class};

/// The nine methods. Each decodes, has its use case do it, and encodes.
#[derive(Debug)]
pub(super) struct Methods {
    pub(super) api: Api,
}

#[tonic::async_trait]
impl Dtm for Methods {
    async fn new_gid(&self, _: Request<()>) -> Result<Response<DtmGidReply>, Status> {
        Ok(Response::new(DtmGidReply { gid: api::new_gid() }))
    }

    async fn submit(&self, request: Request<DtmRequest>) -> Result<Response<()>, Status> {
        answer(api::submit(&self.api, &decoded(request)?).await)
    }

    async fn prepare(&self, request: Request<DtmRequest>) -> Result<Response<()>, Status> {
        answer(api::prepare(&self.api, &decoded(request)?).await)
    }

    async fn abort(&self, request: Request<DtmRequest>) -> Result<Response<()>, Status> {
        answer(api::abort(&self.api, &decoded(request)?).await)
    }

    async fn register_branch(&self, request: Request<DtmBranchRequest>) -> Result<Response<()>, Status> {
        let request = RegisterRequest::from(request.into_inner());
        answer(api::register_branch(&self.api, &request).await)
    }

    async fn prepare_workflow(
        &self,
        request: Request<DtmRequest>,
    ) -> Result<Response<DtmProgressesReply>, Status> {
        let stored = api::prepare_workflow(&self.api, &decoded(request)?).await;
        answer(stored.map(|stored| DtmProgressesReply::from(&stored.transaction)))
    }

    async fn subscribe(&self, request: Request<DtmTopicRequest>) -> Result<Response<()>, Status> {
        let DtmTopicRequest { topic, url, remark } = request.into_inner();
        answer(api::subscribe(&self.api, &topic, &url, &remark).await)
    }

    async fn unsubscribe(&self, request: Request<DtmTopicRequest>) -> Result<Response<()>, Status> {
        let DtmTopicRequest { topic, url, .. } = request.into_inner();
        answer(api::unsubscribe(&self.api, &topic, &url).await)
    }

    async fn delete_topic(&self, request: Request<DtmTopicRequest>) -> Result<Response<()>, Status> {
        answer(api::delete_topic(&self.api, &request.get_ref().topic).await)
    }
}

fn decoded(request: Request<DtmRequest>) -> Result<TransactionRequest, Status> {
    // Over HTTP this is an internal error, because DTM's clients are used to it (behaviour 4); here no client is.
    TransactionRequest::try_from(request.into_inner())
        .map_err(|error| status_of(ApiError::new(Class::Invalid, error.to_string())))
}

fn answer<T>(result: Result<T, ApiError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(status_of)
}

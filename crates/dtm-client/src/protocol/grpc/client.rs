//! Requests to the server.

use std::fmt;
use std::time::Duration;

use dtm_core::model::Registration;
use dtm_proto::grpc::dtmgimp::DtmProgressesReply;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::super::http::{Http, Timeouts};
use super::super::request;
use super::super::request::{Patience, Verb};
use super::super::route::{Attempt, Next, Route};
use super::super::{Answered, Verdict};
use super::message::{branch_message, transaction_message};
use super::node::Node;
use super::status::{is_of_transport, verdict};
use crate::Error;

/// Requests to one server, or to several on one store.
pub(crate) struct Grpc {
    pub(crate) route: Route<Node>,
    pub(crate) metadata: MetadataMap,
    pub(crate) timeouts: Timeouts,
    /// The HTTP API, for what gRPC has no method for.
    pub(crate) http: Option<Http>,
}

impl Grpc {
    pub(crate) async fn new_gid(&self) -> Result<Answered<String>, String> {
        let call = async |node: Node| {
            let reply = node.client().new_gid(self.request(())).await?;
            Ok(reply.map(|reply| reply.gid))
        };
        self.send(Patience::Usual, call).await
    }

    pub(crate) async fn transaction(
        &self,
        verb: Verb,
        request: &request::Request<'_>,
    ) -> Result<Result<Verdict, String>, Error> {
        let message = transaction_message(request)?;
        let call = async |node: Node| {
            let (mut client, message) = (node.client(), self.request(message.clone()));
            match verb {
                Verb::Prepare => client.prepare(message).await,
                Verb::Submit => client.submit(message).await,
                Verb::Abort => client.abort(message).await,
            }
        };
        Ok(self.send(request.patience(verb), call).await.map(Verdict::from))
    }

    pub(crate) async fn prepare_workflow(
        &self,
        request: &request::Request<'_>,
    ) -> Result<Result<Answered<DtmProgressesReply>, String>, Error> {
        let message = transaction_message(request)?;
        let call = async |node: Node| node.client().prepare_workflow(self.request(message.clone())).await;
        Ok(self.send(Patience::Usual, call).await)
    }

    pub(crate) async fn register(&self, gid: &str, registration: &Registration) -> Result<Verdict, String> {
        let message = branch_message(gid, registration);
        let call = async |node: Node| node.client().register_branch(self.request(message.clone())).await;
        self.send(Patience::Usual, call).await.map(Verdict::from)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request
    }

    async fn send<T, F>(&self, patience: Patience, call: impl Fn(Node) -> F) -> Result<Answered<T>, String>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let timeout = self.timeouts.of(patience);
        self.route.send(timeout, |node| attempt(timeout, call(node))).await
    }
}

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grpc").field("nodes", &self.route.addresses()).finish_non_exhaustive()
    }
}

async fn attempt<T>(
    timeout: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Attempt<Answered<T>> {
    match tokio::time::timeout(timeout, call).await {
        Err(_) => Attempt { result: Err("no answer in time".to_owned()), next: Next::Leave },
        Ok(Ok(reply)) => Attempt { result: Ok(Answered::Value(reply.into_inner())), next: Next::Stay },
        Ok(Err(status)) if is_of_transport(&status) => {
            let cause = format!("no answer: {}", status.message());
            Attempt { result: Err(cause), next: Next::Again }
        }
        Ok(Err(status)) => Attempt { result: Ok(Answered::Not(verdict(&status))), next: Next::Stay },
    }
}

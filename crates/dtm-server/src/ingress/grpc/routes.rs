//! Which path is which service; panics and deadlines of a call.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower_service::Service;

use dtm_proto::grpc::dtmgimp::dtm_server::{DtmServer, SERVICE_NAME};

use super::activity::Activity;
use super::message_body::{MessageBody, MessageLimits};
use super::methods::Methods;
use super::until_stopped::UntilStopped;
use super::{deadline, reflection};
use crate::api::Api;
use crate::metrics::Metrics;

/// What the gRPC ingress needs.
#[derive(Debug)]
pub struct GrpcIngress {
    /// The use cases.
    pub api: Api,
    /// What is counted.
    pub metrics: Metrics,
    /// The longest request message in bytes.
    pub message_bytes_max: usize,
    /// How long a request message may take to arrive.
    pub message_time_max: Duration,
}

/// The services by path.
pub(super) struct Routes {
    dtm: DtmServer<Methods>,
    standard: [(&'static str, Standard); 3],
    metrics: Metrics,
    limits: MessageLimits,
    stopping: CancellationToken,
}

type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
/// A standard service, which may answer with a stream.
type Standard = Box<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>;

impl Routes {
    pub(super) fn new(
        ingress: GrpcIngress,
        reporter: HealthReporter,
        stopping: CancellationToken,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let GrpcIngress { api, metrics, message_bytes_max: bytes_max, message_time_max: time_max } = ingress;
        let limits = MessageLimits { bytes_max, time_max };
        let health = HealthServer::new(HealthService::from_health_reporter(reporter));
        let health = move |request: Request<Incoming>| {
            served(&health, request.map(|body| MessageBody::new(body, limits)))
        };
        Ok(Self {
            // MessageBody has the same limit and fails first, with a text that names the setting.
            dtm: DtmServer::new(Methods { api }).max_decoding_message_size(bytes_max),
            standard: [
                ("grpc.health.v1.Health", Box::new(health)),
                ("grpc.reflection.v1.ServerReflection", questioned(reflection::v1()?, &stopping)),
                ("grpc.reflection.v1alpha.ServerReflection", questioned(reflection::v1_alpha()?, &stopping)),
            ],
            metrics,
            limits,
            stopping,
        })
    }

    /// Answers one call of a connection.
    pub(super) async fn answer(&self, request: Request<Incoming>, activity: &Activity) -> Response<Body> {
        let call = activity.begin();
        if !is_grpc(request.method(), request.headers()) {
            return not_grpc();
        }
        let (service, method) = split(request.uri().path());
        if service == SERVICE_NAME {
            return self.measured(api_of(method), request).await;
        }
        match self.standard.iter().find(|(name, _)| *name == service) {
            Some((_, standard)) => {
                let answer = standard(request).await;
                let stopping = self.stopping.clone().cancelled_owned();
                answer.map(|body| Body::new(UntilStopped::answers(body, stopping, call)))
            }
            None => Status::unimplemented("there is no such service here").into_http(),
        }
    }

    /// Counts a call by its use case (decision 23).
    async fn measured(&self, api: &'static str, request: Request<Incoming>) -> Response<Body> {
        let begun = Instant::now();
        let answer = match deadline::of(request.headers()) {
            Ok(deadline) => {
                let call = served(&self.dtm, request.map(|body| MessageBody::new(body, self.limits)));
                within(deadline, contained(call)).await
            }
            Err(status) => status.into_http(),
        };
        // Only an error has its status in the head already.
        let ok = !answer.headers().contains_key(Status::GRPC_STATUS);
        self.metrics.request(api, "grpc", ok, begun.elapsed());
        answer
    }
}

/// A service whose client may go on asking for as long as it likes.
fn questioned<S>(service: S, stopping: &CancellationToken) -> Standard
where
    S: Service<Request<UntilStopped<Incoming>>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let stopping = stopping.clone();
    Box::new(move |request| {
        let stopping = stopping.clone().cancelled_owned();
        served(&service, request.map(|body| UntilStopped::questions(body, stopping)))
    })
}

fn served<S, B>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible, Future: Send + 'static> + Clone,
{
    let answer = service.clone().call(request);
    Box::pin(async move {
        match answer.await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    })
}

/// A panic ends its call with INTERNAL, and nothing else (behaviour 43).
async fn contained(call: impl Future<Output = Response<Body>>) -> Response<Body> {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a gRPC call panicked; the server goes on");
        Status::internal(
            "the call was interrupted by a defect of the server; if it was stored it goes on: query it",
        )
        .into_http()
    })
}

/// What was accepted by then goes on: the runner does not depend on the call (behaviour 105).
async fn within(deadline: Option<Duration>, call: impl Future<Output = Response<Body>>) -> Response<Body> {
    match deadline {
        None => call.await,
        Some(Duration::ZERO) => deadline::passed().into_http(),
        Some(deadline) => {
            let in_time = tokio::time::timeout(deadline, call).await;
            in_time.unwrap_or_else(|_| deadline::passed().into_http())
        }
    }
}

fn is_grpc(method: &Method, headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let rest = content_type.strip_prefix(b"application/grpc");
    *method == Method::POST && matches!(rest, Some([] | [b'+' | b';', ..]))
}

/// What gRPC prescribes for requests that are none.
fn not_grpc() -> Response<Body> {
    let text = "this port speaks gRPC; the HTTP API is at the port of the setting HttpPort\n";
    let mut answer = Response::new(Body::new(http_body_util::Full::from(text)));
    *answer.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

/// `/package.Service/Method`.
fn split(path: &str) -> (&str, &str) {
    path.strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or_default()
}

/// The name under which HTTP counts the same use case.
fn api_of(method: &str) -> &'static str {
    match method {
        "NewGid" => "newGid",
        "Submit" => "submit",
        "Prepare" => "prepare",
        "Abort" => "abort",
        "RegisterBranch" => "registerBranch",
        "PrepareWorkflow" => "prepareWorkflow",
        "Subscribe" => "subscribe",
        "Unsubscribe" => "unsubscribe",
        "DeleteTopic" => "topic",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn code(answer: &Response<Body>) -> Code {
        Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code())
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_internal_without_its_text() {
        // behaviour 43
        let answer = contained(async { panic!("secret of the payload") }).await;
        assert_eq!(code(&answer), Code::Internal);
        let message = Status::from_header_map(answer.headers()).unwrap();
        assert!(message.message().contains("defect") && !message.message().contains("secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_ends_the_call() {
        let answer = within(Some(Duration::from_secs(1)), std::future::pending()).await;
        assert_eq!(code(&answer), Code::DeadlineExceeded);
        let answer = within(None, async { Response::new(Body::default()) }).await;
        assert_eq!(code(&answer), Code::Ok);
    }

    #[test]
    fn only_posts_of_a_grpc_content_type_are_calls() {
        let with = |method, text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(text).unwrap());
            is_grpc(&method, &headers)
        };
        for text in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
            assert!(with(Method::POST, text), "{text}");
        }
        for text in ["application/grpc-web", "application/json", ""] {
            assert!(!with(Method::POST, text), "{text}");
        }
        assert!(!with(Method::GET, "application/grpc") && !is_grpc(&Method::POST, &HeaderMap::new()));
    }
}

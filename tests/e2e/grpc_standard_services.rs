//! Server reflection and the health service.

use futures_util::{StreamExt, stream};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;

use crate::harness::grpc::{Channel, channel, origin};
use crate::harness::{Server, Settings};

const SERVICES: [&str; 4] = [
    "dtmgimp.Dtm",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

fn health(server: &Server) -> HealthClient<Channel> {
    HealthClient::with_origin(channel(), origin(server.grpc_port()))
}

async fn ask(server: &Server, question: MessageRequest) -> ServerReflectionResponse {
    let mut client = ServerReflectionClient::with_origin(channel(), origin(server.grpc_port()));
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
    answers.into_inner().message().await.unwrap().unwrap()
}

#[tokio::test]
async fn tools_find_the_services_and_their_messages_by_reflection() {
    // behaviour 42
    let server = Server::start().await;
    let answer = ask(&server, MessageRequest::ListServices(String::new())).await;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for service in SERVICES.iter().take(3) {
        assert!(names.iter().any(|name| name == service), "{service} is not in {names:?}");
    }
    let symbol = MessageRequest::FileContainingSymbol("dtmgimp.Dtm.PrepareWorkflow".to_owned());
    let answer = ask(&server, symbol).await;
    let Some(MessageResponse::FileDescriptorResponse(files)) = answer.message_response else {
        panic!("no file")
    };
    let text = String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned();
    for name in ["DtmRequest", "CustomedData", "TransOptions", "DtmProgressesReply"] {
        assert!(text.contains(name), "{name}");
    }
    let imported = MessageRequest::FileByFilename("google/protobuf/empty.proto".to_owned());
    let answer = ask(&server, imported).await;
    assert!(matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_))));
}

#[tokio::test]
async fn older_tools_ask_in_the_version_before() {
    let server = Server::start().await;
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::with_origin(
        channel(),
        origin(server.grpc_port()),
    );
    let question = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let answer = client.server_reflection_info(stream::iter([request])).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    assert!(format!("{answer:?}").contains("dtmgimp.Dtm"), "{answer:?}");
}

#[tokio::test]
async fn a_serving_server_says_so_and_an_unknown_service_is_not_found() {
    let server = Server::start().await;
    let mut client = health(&server);
    for service in ["", "dtmgimp.Dtm"] {
        let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = client.check(HealthCheckRequest { service: "busi.Busi".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn who_watches_learns_of_a_stop_and_does_not_hold_it_up() {
    // decision 28
    let mut server = Settings::default().with("DRAIN_TIMEOUT", 25).start().await;
    let service = "dtmgimp.Dtm".to_owned();
    let mut watch = health(&server).watch(HealthCheckRequest { service }).await.unwrap().into_inner();
    let status = |answer: Option<HealthCheckResponse>| answer.unwrap().status();
    assert_eq!(status(watch.message().await.unwrap()), ServingStatus::Serving);
    // A stream of reflection that its client leaves open.
    let mut reflection = ServerReflectionClient::with_origin(channel(), origin(server.grpc_port()));
    let question = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut open = reflection
        .server_reflection_info(stream::iter([request]).chain(stream::pending()))
        .await
        .unwrap()
        .into_inner();
    open.message().await.unwrap().unwrap();

    server.terminate().await;
    assert_eq!(status(watch.message().await.unwrap()), ServingStatus::NotServing);
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
    let last = open.message().await.map_err(|status| status.code());
    assert!(matches!(last, Ok(None) | Err(Code::Unavailable)), "{last:?}");
    let begun = std::time::Instant::now();
    assert!(server.ended().await.status.success());
    assert!(begun.elapsed().as_secs() < 10, "streams hold the stop up: {:?}", begun.elapsed());
}

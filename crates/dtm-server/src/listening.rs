//! The ways in: what listens for HTTP and gRPC.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::assembly::Assembly;
use crate::config::Config;
use crate::ingress::grpc::{GrpcIngress, GrpcServeSettings, GrpcServer};
use crate::ingress::http::{HttpServer, Ingress as HttpIngress, ServeSettings, routes};
use crate::start_error::StartError;

/// What listens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ingress {
    Http,
    Grpc,
}

/// Takes the port, so that one that is taken is noticed before anything else is done.
pub(crate) async fn listen(config: &Config, ingress: Ingress) -> Result<TcpListener, StartError> {
    let address = address(config, ingress);
    HttpServer::bind(address).await.map_err(|error| cannot_listen(config, ingress, error))
}

const fn address(config: &Config, ingress: Ingress) -> SocketAddr {
    let port = match ingress {
        Ingress::Http => config.http.port,
        Ingress::Grpc => config.grpc.port,
    };
    SocketAddr::new(config.http.listen, port)
}

const fn cannot_listen(config: &Config, ingress: Ingress, error: std::io::Error) -> StartError {
    let (protocol, flag) = match ingress {
        Ingress::Http => ("HTTP", "--http-port"),
        Ingress::Grpc => ("gRPC", "--grpc-port"),
    };
    StartError::Listen { address: address(config, ingress), protocol, flag, error }
}

pub(crate) fn start_http(
    config: &Config,
    listener: TcpListener,
    assembly: &Assembly,
) -> Result<HttpServer, StartError> {
    let ingress = HttpIngress {
        api: assembly.api.clone(),
        metrics: assembly.metrics.clone(),
        body_bytes_max: config.http.body_bytes_max,
        body_time_max: config.http.body_timeout,
    };
    let settings = ServeSettings {
        header_time_max: config.http.head_timeout,
        idle_time_max: config.http.idle_timeout,
        header_bytes_max: config.http.head_bytes_max as usize,
        connections_max: config.http.connections_max,
    };
    HttpServer::start(listener, routes(ingress), settings)
        .map_err(|error| cannot_listen(config, Ingress::Http, error))
}

pub(crate) fn start_grpc(
    config: &Config,
    listener: TcpListener,
    assembly: &Assembly,
) -> Result<GrpcServer, StartError> {
    let ingress = GrpcIngress {
        api: assembly.api.clone(),
        metrics: assembly.metrics.clone(),
        message_bytes_max: config.http.body_bytes_max,
        message_time_max: config.http.body_timeout,
    };
    let settings = GrpcServeSettings {
        preface_time_max: config.http.head_timeout,
        idle_time_max: config.grpc.idle_timeout,
        header_bytes_max: config.http.head_bytes_max,
        connections_max: config.grpc.connections_max,
        calls_max: config.grpc.calls_max,
        ping: (config.grpc.ping_interval, config.grpc.ping_timeout),
    };
    GrpcServer::start(listener, ingress, assembly.api.engine.healthy(), settings)
        .map_err(|error| cannot_listen(config, Ingress::Grpc, error))
}

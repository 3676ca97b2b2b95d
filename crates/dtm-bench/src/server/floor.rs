//! The floor: what the HTTP exchanges alone cost on this machine.
//!
//! The same exchanges as the real server makes, with the same libraries, and nothing else: it decodes a
//! submit, answers, and calls the actions in order. It stores nothing, checks nothing, retries nothing. A
//! coordinator that is built on axum and hyper cannot be faster.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

type Pool = Client<HttpConnector, Full<Bytes>>;

#[derive(Deserialize)]
struct Submit {
    gid: String,
    trans_type: String,
    steps: Vec<Step>,
    payloads: Vec<String>,
}

#[derive(Deserialize)]
struct Step {
    action: String,
    #[serde(rename = "compensate")]
    _compensate: String,
}

/// Serves until its standard input ends, which it does when the load generator is gone.
#[tokio::main]
pub(crate) async fn serve() -> crate::Result {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    let routes = Router::new().route("/api/dtmsvr/submit", post(submit)).with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("floor on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // An error means that the connection is closed already.
        stream.set_nodelay(true).ok();
    });
    let mut until_parent_is_gone = Vec::new();
    let mut stdin = tokio::io::stdin();
    tokio::select! {
        served = axum::serve(listener, routes).into_future() => served?,
        closed = stdin.read_to_end(&mut until_parent_is_gone) => { closed?; }
    }
    Ok(())
}

async fn submit(State(pool): State<Pool>, body: Bytes) -> impl IntoResponse {
    let (status, text) = match serde_json::from_slice::<Submit>(&body) {
        Ok(submit) => {
            tokio::spawn(run(pool, Arc::new(submit)));
            (StatusCode::OK, r#"{"dtm_result":"SUCCESS"}"#.to_owned())
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text)
}

async fn run(pool: Pool, submit: Arc<Submit>) {
    let Submit { gid, trans_type, .. } = &*submit;
    for (number, (step, payload)) in (1..).zip(submit.steps.iter().zip(&submit.payloads)) {
        let url =
            format!("{}?branch_id={number:02}&gid={gid}&op=action&trans_type={trans_type}", step.action);
        if let Err(error) = call(&pool, &url, payload).await {
            eprintln!("{url}: {error}"); // the load generator sees that a call is missing
            return;
        }
    }
}

async fn call(pool: &Pool, url: &str, payload: &str) -> crate::Result {
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(payload.as_bytes())))?;
    let response = pool.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == StatusCode::OK && !body.is_empty() { Ok(()) } else { Err(status.to_string().into()) }
}

//! The exchanges over HTTP: axum for requests, hyper's pooled client for branches.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use super::prepared::{Call, Prepared, Task, listed};

type Pool = Client<HttpConnector, Full<Bytes>>;

#[derive(Debug)]
struct Floor {
    pool: Pool,
    prepared: Prepared,
}

#[derive(Deserialize)]
struct Transaction {
    gid: String,
    trans_type: String,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    payloads: Vec<String>,
}

#[derive(Deserialize)]
struct Step {
    action: String,
}

#[derive(Deserialize)]
struct Registration {
    gid: String,
    branch_id: String,
    confirm: String,
    data: String,
}

pub(super) async fn serve(listener: TcpListener) -> crate::Result {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    let floor = Arc::new(Floor { pool, prepared: Prepared::default() });
    let routes = Router::new()
        .route("/api/dtmsvr/prepare", post(prepare))
        .route("/api/dtmsvr/registerBranch", post(register))
        .route("/api/dtmsvr/submit", post(submit))
        .with_state(floor);
    let listener = listener.tap_io(|stream| {
        // An error means that the connection is closed already.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn prepare(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    answer(&body, |transaction: Transaction| floor.prepared.prepare(transaction.into()))
}

async fn register(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    answer(&body, |Registration { gid, branch_id, confirm, data }| {
        floor.prepared.register(&gid, Call { branch_id, url: confirm, payload: data.into() });
    })
}

async fn submit(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    answer(&body, |transaction: Transaction| {
        let task = floor.prepared.submit(transaction.into());
        tokio::spawn(run(floor.pool.clone(), task));
    })
}

fn answer<T: DeserializeOwned>(body: &[u8], act: impl FnOnce(T)) -> Response {
    let (status, text) = match serde_json::from_slice(body) {
        Ok(request) => {
            act(request);
            (StatusCode::OK, r#"{"dtm_result":"SUCCESS"}"#.to_owned())
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

impl From<Transaction> for Task {
    fn from(Transaction { gid, trans_type, steps, payloads }: Transaction) -> Self {
        let urls = steps.into_iter().map(|step| step.action);
        Self { gid, trans_type, calls: listed(urls.zip(payloads.into_iter().map(Bytes::from))) }
    }
}

async fn run(pool: Pool, task: Task) {
    let op = task.op();
    let Task { gid, trans_type, calls } = task;
    for Call { branch_id, url, payload } in calls {
        let url = format!("{url}?branch_id={branch_id}&gid={gid}&op={op}&trans_type={trans_type}");
        if let Err(error) = call(&pool, &url, payload).await {
            eprintln!("{url}: {error}"); // the load generator sees that a call is missing
            return;
        }
    }
}

async fn call(pool: &Pool, url: &str, payload: Bytes) -> crate::Result {
    let request =
        Request::post(url).header(header::CONTENT_TYPE, "application/json").body(Full::new(payload))?;
    let response = pool.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == StatusCode::OK && !body.is_empty() { Ok(()) } else { Err(status.to_string().into()) }
}

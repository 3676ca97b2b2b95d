//! Where an application is called back, and the workflow of most cases.

use dtm_client::Client;
use dtm_workflow::{BranchCalls, BranchError, Workflow, Workflows, WorkflowsBuilder};
use futures_util::future::BoxFuture;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{Branches, Server};

/// How an application talks to the server, and is called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Http,
    Grpc,
}

pub(super) const BOTH: [Over; 2] = [Over::Http, Over::Grpc];

/// An address of an application, shared by all of its instances.
pub(super) struct Site {
    listener: TcpListener,
    over: Over,
}

/// An instance that can be called back. Ends when dropped.
pub(super) struct Served(JoinHandle<()>);

impl Site {
    pub(super) async fn new(over: Over) -> Self {
        Self::at("127.0.0.1:0", over).await
    }

    /// On an address of the caller's, which somebody else has left.
    pub(super) async fn at(address: &str, over: Over) -> Self {
        Self { listener: TcpListener::bind(address).await.expect("the address is free"), over }
    }

    pub(super) fn address(&self) -> String {
        self.listener.local_addr().expect("a listener has an address").to_string()
    }

    /// The workflows of one instance; the server calls back after a second.
    pub(super) fn instance(&self, server: &Server) -> WorkflowsBuilder {
        let address = self.address();
        let (client, callback) = match self.over {
            Over::Http => (
                Client::http(&format!("http://127.0.0.1:{}/api/dtmsvr", server.port())),
                format!("http://{address}/workflow"),
            ),
            Over::Grpc => (
                Client::grpc(&format!("http://127.0.0.1:{}", server.grpc_port())),
                format!("{address}/workflow.Workflow/Execute"),
            ),
        };
        let client = client.expect("these are addresses");
        Workflows::builder(client, callback).retry_interval(std::time::Duration::from_secs(1))
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().expect("a listener has an address").port()
    }

    /// Lets an instance be called back.
    pub(super) fn serve(self, workflows: &Workflows) -> Served {
        let listener = self.listener;
        Served(match self.over {
            Over::Http => {
                let routes = axum::Router::new().route("/workflow", workflows.http_callback());
                tokio::spawn(async { axum::serve(listener, routes).await.expect("axum serves") })
            }
            Over::Grpc => {
                let service = TowerToHyperService::new(workflows.grpc_callback());
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        let serving = http2::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), service.clone());
                        tokio::spawn(serving);
                    }
                })
            }
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `out`, then `in`, each undone by `NAMEBack`, and `NAMEDone` when all is well. The result is what `in` answers.
pub(super) fn transfer(
    branches: &Branches,
) -> impl Fn(Workflow, u32) -> BoxFuture<'static, Result<String, BranchError>> + Clone + Send + Sync + 'static
{
    let branches = branches.clone();
    move |wf, amount| Box::pin(transferred(branches.clone(), wf, amount))
}

async fn transferred(branches: Branches, wf: Workflow, amount: u32) -> Result<String, BranchError> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let call = |path: String| http.post(branches.url(&path)).json(&json!({ "amount": amount }));
    let mut answer = String::new();
    for name in ["out", "in"] {
        let (back, done) = (call(format!("/{name}Back")), call(format!("/{name}Done")));
        let reply = wf
            .branch()
            .named(name)
            .on_rollback(async move |barrier| barrier.send(back).await)
            .on_commit(async move |barrier| barrier.send(done).await)
            .send(call(format!("/{name}")))
            .await?;
        answer = reply.text()?.to_owned();
    }
    Ok(answer)
}

/// Has the server call back at once.
pub(super) async fn called_back(server: &Server, gid: &str) {
    server.accepts("resetNextCronTime", &json!({ "gid": gid })).await;
}

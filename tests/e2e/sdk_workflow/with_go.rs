//! One workflow by two SDKs: what a Go process began goes on here, and the other way round.
//!
//! The Go process is the program of `tests/compat/go`: `bash tests/compat/run.sh mixed` builds it and runs these cases.

use std::process::Stdio;

use dtm_testkit::outside::Service;
use dtm_workflow::{BranchCalls, BranchError, Error, Workflow, Workflows};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::site::{Over, Site, called_back};
use crate::harness::{Branches, Gate, Reply, Server, View, both};

/// `transfer` of `tests/compat/go`: "out", then "in", each undone by `NAMEBack`.
fn transfer(site: &Site, server: &Server, branches: &Branches) -> Workflows {
    let branches = branches.clone();
    let function = move |wf: Workflow, data: Vec<u8>| {
        let branches = branches.clone();
        async move {
            let http = reqwest::Client::builder().no_proxy().build()?;
            let text = String::from_utf8(data)?;
            let call = |path: String| http.post(branches.url(&path)).json(&json!({ "text": text }));
            for name in ["out", "in"] {
                let back = call(format!("/{name}Back"));
                let branch =
                    wf.branch().named(name).on_rollback(async move |barrier| barrier.send(back).await);
                branch.send(call(format!("/{name}"))).await?;
            }
            Ok::<_, BranchError>(format!("done: {text}").into_bytes())
        }
    };
    site.instance(server).register_bytes("transfer", function).build().unwrap()
}

/// Starts the Go process on an address (port 0 for a free one); one that `dies` begins the workflow and kills
/// itself after its first step is recorded, another one waits to be called back.
async fn go(server: &Server, branches: &Branches, gid: &str, address: &str, dies: bool) -> (Child, String) {
    go_with(server, branches, gid, address, dies, "workflow", &Service::new()).await
}

/// As [`go`], with this part of the program, and variables of a database.
pub(super) async fn go_with(
    server: &Server,
    branches: &Branches,
    gid: &str,
    address: &str,
    dies: bool,
    part: &str,
    database: &Service,
) -> (Child, String) {
    let mut child = Command::new(program())
        .envs(database)
        .env("DTM_HTTP", format!("http://127.0.0.1:{}", server.port()))
        .env("DTM_GRPC", format!("127.0.0.1:{}", server.grpc_port()))
        .env("COMPAT_PART", part)
        .env("COMPAT_PROTOCOL", "http")
        .env("COMPAT_GID", gid)
        .env("COMPAT_ADDRESS", address)
        .env("COMPAT_DIES", dies.to_string())
        .env("COMPAT_BRANCHES_HTTP", branches.url(""))
        .env("COMPAT_BRANCHES_GRPC", "127.0.0.1:1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the Go program can be started");
    let output = child.stdout.take().expect("stdout is piped");
    let address = BufReader::new(output).lines().next_line().await.unwrap().expect("it says where it serves");
    (child, address)
}

#[expect(clippy::disallowed_methods, reason = "an argument of the tests, not a setting of the server")]
fn program() -> std::ffi::OsString {
    std::env::var_os("GO_PROGRAM").expect("GO_PROGRAM is set by: bash tests/compat/run.sh mixed")
}

/// A Go process that died after "out"; where it served.
async fn begun_by_go(server: &Server, branches: &Branches) -> Site {
    let (mut child, address) = go(server, branches, "g", "127.0.0.1:0", true).await;
    assert!(!child.wait().await.unwrap().success(), "it kills itself");
    assert_eq!(server.query("g").await.row_names(), ["01 action"]);
    Site::at(&address, Over::Http).await
}

fn paths_and_ops(branches: &Branches) -> Vec<String> {
    branches.calls().iter().map(|call| format!("{} {} {}", call.path, call.branch_id(), call.op())).collect()
}

fn rows(view: &View) -> String {
    format!("{} {} {}", view.status(), view.row_names().join(", "), view.rows())
}

#[tokio::test]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_go_began_is_committed_here() {
    let (server, branches) = both().await;
    let site = begun_by_go(&server, &branches).await;
    let workflows = transfer(&site, &server, &branches);
    let _served = site.serve(&workflows);
    called_back(&server, "g").await;
    assert_eq!(rows(&server.end_of("g").await), "succeed 01 action, 02 action s s");
    assert_eq!(paths_and_ops(&branches), ["/out 01 action", "/in 02 action"]);
    let result = workflows.execute_bytes("transfer", "g", b"30".to_vec()).await.unwrap();
    assert_eq!(result, b"done: 30");
}

#[tokio::test]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_go_began_is_rolled_back_here() {
    let (server, branches) = both().await;
    branches.on("/in", [Reply::failure()]);
    let site = begun_by_go(&server, &branches).await;
    let workflows = transfer(&site, &server, &branches);
    let _served = site.serve(&workflows);
    called_back(&server, "g").await;
    let view = server.end_of("g").await;
    assert_eq!(rows(&view), "failed 01 action, 02 action, 01 rollback s f s");
    assert_eq!(view.reason(), "no stock");
    assert_eq!(paths_and_ops(&branches), ["/out 01 action", "/in 02 action", "/outBack 01 rollback"]);
}

#[tokio::test]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn what_began_here_is_committed_by_go() {
    let (server, branches) = both().await;
    branches.on("/in", [Reply::ok().behind(&Gate::closed()), Reply::ok()]);
    let site = Site::new(Over::Http).await;
    let workflows = transfer(&site, &server, &branches);
    let dying = tokio::spawn({
        let workflows = workflows.clone();
        async move { workflows.execute_bytes("transfer", "g", b"30".to_vec()).await }
    });
    branches.wait_for("/in", 1).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let address = site.address();
    drop(site);
    let (_go, _) = go(&server, &branches, "g", &address, false).await;
    called_back(&server, "g").await;
    assert_eq!(rows(&server.end_of("g").await), "succeed 01 action, 02 action s s");
    assert_eq!(paths_and_ops(&branches), ["/out 01 action", "/in 02 action", "/in 02 action"]);
    let result = workflows.execute_bytes("transfer", "g", b"30".to_vec()).await.unwrap();
    assert_eq!(result, b"done: 30", "what Go has returned");
}

#[tokio::test]
#[ignore = "needs Go: bash tests/compat/run.sh mixed"]
async fn a_rollback_that_began_here_is_finished_by_go() {
    let (server, branches) = both().await;
    branches.on("/in", [Reply::failure()]);
    branches.on("/outBack", [Reply::error(), Reply::ok()]);
    let site = Site::new(Over::Http).await;
    let workflows = transfer(&site, &server, &branches);
    let error = workflows.execute_bytes("transfer", "g", b"30".to_vec()).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    let address = site.address();
    drop(site);
    let (_go, _) = go(&server, &branches, "g", &address, false).await;
    called_back(&server, "g").await;
    assert_eq!(rows(&server.end_of("g").await), "failed 01 action, 02 action, 01 rollback s f s");
    assert_eq!(branches.count("/outBack"), 2);
    let error = workflows.execute_bytes("transfer", "g", b"30".to_vec()).await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason.contains("no stock")), "{error}");
}

//! The application: what it is told, and its addresses.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use dtm_client::{Client, Retry};
use dtm_workflow::Workflows;
use serde::{Deserialize, Serialize};

use super::super::banks::{Addresses, Banks};
use super::transfer::Leg;
use super::{branches, work};

/// The environment variable with [`Told`].
pub(super) const TOLD: &str = "KILLED_APPLICATION";

/// The name of the test that is the application.
pub(super) const TEST: &str = "sdk::kills::process::an_application";

/// How long a step of a workflow waits for a service.
const PATIENCE: Duration = Duration::from_secs(3);

/// Nobody leaves it running when the tests have gone.
const LONGEST_LIFE: Duration = Duration::from_secs(180);

/// How the transfers are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    Message,
    Tcc,
    Xa,
    Workflow,
}

/// Everything that a process has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) mode: Mode,
    /// The beginning of each gid.
    pub(super) run: String,
    pub(super) seed: u64,
    /// Which of the processes it is, and how often it has lived before.
    pub(super) number: usize,
    pub(super) life: usize,
    /// Whether it begins transfers, or only serves.
    pub(super) begins: bool,
    pub(super) server: String,
    /// Where each of the processes serves.
    pub(super) sites: Vec<String>,
    pub(super) banks: Addresses,
}

pub(super) struct Application {
    pub(super) told: Told,
    pub(super) client: Client,
    pub(super) banks: Banks,
    pub(super) http: reqwest::Client,
}

impl Application {
    /// Where the branch of a leg is.
    pub(super) fn url(&self, leg: Leg, path: &str) -> String {
        format!("{}{path}/{}", self.told.sites[leg.site], leg.bank.name())
    }

    /// Where this process is.
    pub(super) fn own_url(&self, path: &str) -> String {
        format!("{}{path}", self.told.sites[self.told.number])
    }

    /// Says where a transaction is, before it goes there: what was written is read, whoever dies then.
    pub(super) fn is_at(&self, gid: &str, place: &str, point: &str) {
        let line = format!("@ {gid} {place} {point}\n");
        if std::io::stderr().write_all(line.as_bytes()).is_err() {
            std::process::exit(1); // whoever reads it is gone
        }
    }
}

#[tokio::test]
#[ignore = "this is the application that the kill loops start"]
async fn an_application() {
    #[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
    let told = std::env::var(TOLD).expect("the kill loops say what is to be done");
    let told: Told = serde_json::from_str(&told).expect("the kill loops write JSON");
    // The socket of whoever has started it, with the connections that came while it was dead.
    let inherited: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned().expect("a file can be duplicated");
    let listener = TcpListener::from(inherited);
    listener.set_nonblocking(true).expect("a socket can be set");
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is a listening socket");

    let pauses = (Duration::from_millis(10), Duration::from_millis(100));
    let client = Client::builder(&told.server).retry(Retry::default().pause(pauses.0, pauses.1));
    let application = Arc::new(Application {
        client: client.build().expect("the address of a server"),
        banks: told.banks.open().await,
        http: reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client can be made"),
        told,
    });
    // Not a moment of its short life is for connections.
    let (mysql, postgres) =
        tokio::join!(application.banks.mysql.acquire(), application.banks.postgres.acquire());
    drop((mysql.expect("MariaDB can be reached"), postgres.expect("PostgreSQL can be reached")));
    let workflows = workflows(&application);
    let routes = branches::routes(Arc::clone(&application)).route("/workflow", workflows.http_callback());
    let serving = axum::serve(listener, routes);
    if application.told.begins {
        work::begin(&application, &workflows);
    }
    tokio::time::timeout(LONGEST_LIFE, serving.into_future()).await.ok();
}

fn workflows(application: &Arc<Application>) -> Workflows {
    let on = Arc::clone(application);
    Workflows::builder(application.client.clone(), application.own_url("/workflow"))
        .retry_interval(Duration::from_secs(1))
        .register("transfer", move |wf, transfer| work::workflow(Arc::clone(&on), wf, transfer))
        .build()
        .expect("a function can be registered")
}

//! The servers, a database of their own, and a network between them that can fail.

use std::path::Path;
use std::sync::Arc;

use dtm_testkit::outside::{Private, Proxy};

use super::evidence::Evidence;
use crate::harness::{Branches, Client, Place, Server, Settings};
use crate::kill::ledger::Ledger;

/// Servers that share a database.
const SERVERS: usize = 3;

/// What branches are called; each server finds them at an address of its own, so it is known who calls.
pub(super) const BRANCHES: &str = "static://branches";

pub(super) struct Stage {
    pub(super) servers: Vec<Server>,
    pub(super) outside: Outside,
}

/// What is not ours: nothing, when the store is embedded.
#[derive(Default)]
pub(super) struct Outside {
    /// One before the database for each server.
    pub(super) networks: Vec<Proxy>,
    pub(super) database: Option<Private>,
}

/// How many servers there are.
pub(super) fn size() -> usize {
    if Place::store() == "sled" { 1 } else { SERVERS }
}

impl Stage {
    pub(super) async fn set(ledger: &Arc<Ledger>, evidence: &Arc<Evidence>) -> Self {
        let place = Arc::new(Place::without_database());
        let mut outside = Outside::default();
        let mut settings = vec![Settings::default().with("LOG_LEVEL", "info"); size()];
        let database = match Place::store() {
            "sled" => None,
            "mysql" => Some(("mariadb", "MARIADB")),
            "postgres" => Some(("postgres", "POSTGRES")),
            "redis" => Some(("redis", "REDIS")),
            other => panic!("no chaos on {other}: it may be sled, mysql, postgres or redis"),
        };
        if let Some((script, prefix)) = database {
            outside = Outside::start(script, prefix, &mut settings).await;
        }
        let mut servers = Vec::new();
        for (number, settings) in settings.into_iter().enumerate() {
            let (ledger, evidence) = (Arc::clone(ledger), Arc::clone(evidence));
            let branches = Branches::deciding(move |call| {
                evidence.called(number, call);
                ledger.decide(call)
            })
            .await;
            let services = format!("branches={}", branches.address());
            let settings = settings.with("DISCOVERY_SERVICES", services);
            // The others are somebody else after each start.
            let settings = if number == 0 { settings.with("DTM_NODE_NAME", "constant") } else { settings };
            servers.push(settings.start_at(&place).await);
        }
        Self { servers, outside }
    }

    pub(super) fn clients(&self) -> Vec<Client> {
        self.servers.iter().map(|server| server.client().clone()).collect()
    }
}

impl Outside {
    /// Starts the database, and tells each server the way to it.
    async fn start(script: &'static str, prefix: &str, settings: &mut [Settings]) -> Self {
        let database = Private::new(script, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos"));
        let service = database.start().await;
        let value = |name: &str| service.get(&format!("{prefix}_{name}")).cloned();
        let address = format!("{}:{}", value("HOST").expect("a host"), value("PORT").expect("a port"));
        let mut networks = Vec::new();
        for it in settings {
            let network = Proxy::start(&address).await;
            let port = network.place().rsplit(':').next().expect("an address has a port").to_owned();
            let mut told = std::mem::take(it)
                .with("STORE_DRIVER", Place::store())
                .with("STORE_HOST", "127.0.0.1")
                .with("STORE_PORT", port);
            for (name, variable) in
                [("USER", "STORE_USER"), ("PASSWORD", "STORE_PASSWORD"), ("DATABASE", "STORE_DB")]
            {
                if let Some(value) = value(name) {
                    told = told.with(variable, value);
                }
            }
            *it = told;
            networks.push(network);
        }
        Self { networks, database: Some(database) }
    }
}

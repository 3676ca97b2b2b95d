//! The servers, a database of their own, and a network between them that can fail.

use std::path::Path;
use std::sync::Arc;

use dtm_testkit::outside::{Private, Proxy};

use crate::harness::{Client, Place, Server, Settings};

/// Servers that share a database.
const SERVERS: usize = 3;

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

impl Stage {
    pub(super) async fn set() -> Self {
        let place = Arc::new(Place::without_database());
        let settings = Settings::default().with("LOG_LEVEL", "info");
        let (script, prefix) = match Place::store() {
            "mysql" => ("mariadb", "MARIADB"),
            "postgres" => ("postgres", "POSTGRES"),
            _ => {
                let servers = vec![settings.start_at(&place).await];
                return Self { servers, outside: Outside::default() };
            }
        };
        let database = Private::new(script, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos"));
        let service = database.start().await;
        let value = |name: &str| service[&format!("{prefix}_{name}")].clone();
        let address = format!("{}:{}", value("HOST"), value("PORT"));
        let (mut servers, mut networks) = (Vec::new(), Vec::new());
        for number in 0..SERVERS {
            let network = Proxy::start(&address).await;
            let port = network.place().rsplit(':').next().expect("an address has a port").to_owned();
            let mut settings = settings
                .clone()
                .with("STORE_DRIVER", Place::store())
                .with("STORE_HOST", "127.0.0.1")
                .with("STORE_PORT", port)
                .with("STORE_USER", value("USER"))
                .with("STORE_PASSWORD", value("PASSWORD"))
                .with("STORE_DB", value("DATABASE"));
            if number == 0 {
                // The others are somebody else after each start.
                settings = settings.with("DTM_NODE_NAME", "constant");
            }
            servers.push(settings.start_at(&place).await);
            networks.push(network);
        }
        Self { servers, outside: Outside { networks, database: Some(database) } }
    }

    pub(super) fn clients(&self) -> Vec<Client> {
        self.servers.iter().map(|server| server.client().clone()).collect()
    }
}

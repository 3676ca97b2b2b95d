//! An application with a coordinator inside.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::Seconds;
use dtm_server::config::{self, Flags};
use dtm_server::embedded::{Coordinator, Embedded, EmbeddedBuilder, Status};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::harness::{PATIENCE, Place};

/// A coordinator that keeps its transactions at `place`, and does not wait long before it tries again.
pub(super) fn at(place: &Place) -> EmbeddedBuilder {
    let variables: BTreeMap<String, String> =
        place.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config = config::load(&Flags::default(), &variables).expect("the place can be configured").config;
    let folder = place.data();
    Embedded::builder(config.store).configure(|config| {
        config.store.path = folder;
        config.policy.retry_interval = Seconds::new(1);
        config.runner.node_timeout = Duration::from_secs(1);
    })
}

/// Waits until the transaction has ended, and says how.
pub(super) async fn end_of(coordinator: &Coordinator, gid: &str) -> Status {
    match timeout(PATIENCE, coordinator.wait(gid)).await {
        Ok(ended) => ended.unwrap().status,
        Err(_) => panic!("{gid} does not end: {:?}", coordinator.query(gid).await),
    }
}

/// An application with a runtime of its own, so that it can die: every task is dropped where it stands.
pub(super) struct Application {
    runtime: Runtime,
    coordinator: Embedded,
}

impl Application {
    pub(super) fn start(builder: EmbeddedBuilder) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let coordinator = runtime.block_on(builder.start()).unwrap();
        Self { runtime, coordinator }
    }

    pub(super) fn run<T>(&self, work: impl AsyncFnOnce(&Embedded) -> T) -> T {
        self.runtime.block_on(work(&self.coordinator))
    }

    pub(super) fn stop(self) {
        self.runtime.block_on(self.coordinator.stop()).unwrap();
    }

    /// Without a word to anybody.
    pub(super) fn die(self) {
        self.runtime.shutdown_timeout(PATIENCE);
        drop(self.coordinator);
    }
}

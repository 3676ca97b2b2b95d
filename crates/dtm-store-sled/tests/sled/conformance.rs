//! The suite. A restart opens a copy of the folder that was taken while the store was open, which is what a
//! killed process leaves behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::suite::StoreUnderTest;
use dtm_store::{Clock as _, Store};
use dtm_store_sled::{SledConfig, SledStore};
use dtm_testkit::ManualClock;
use tempfile::TempDir;

use crate::support::{copy, database};

const NODE_TIMEOUT: Duration = Duration::from_secs(3);

struct Embedded {
    clock: ManualClock,
    folders: TempDir,
    opened: usize,
    store: Arc<SledStore>,
}

impl Embedded {
    async fn open() -> Self {
        let (clock, folders) = (ManualClock::default(), TempDir::new().unwrap());
        let store = open(&folders.path().join("0"), &clock).await;
        Self { clock, folders, opened: 0, store }
    }

    fn next_folder(&mut self) -> PathBuf {
        self.opened += 1;
        let folder = self.folders.path().join(self.opened.to_string());
        copy(self.store.path(), &folder);
        folder
    }
}

async fn open(path: &Path, clock: &ManualClock) -> Arc<SledStore> {
    let config = SledConfig {
        clock: Arc::new(clock.clone()),
        node_timeout: NODE_TIMEOUT,
        cache_bytes: 1 << 20,
        journal_bytes: 64 << 10,
        ..SledConfig::new(path)
    };
    Arc::new(SledStore::open(config).await.unwrap())
}

#[async_trait::async_trait]
impl StoreUnderTest for Embedded {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn node_timeout(&self) -> Duration {
        NODE_TIMEOUT
    }

    async fn with_node_timeout(&self, _: Duration) -> Option<Arc<dyn Store>> {
        None // one process has the folder
    }

    async fn reopen(&mut self) {
        let folder = self.next_folder();
        self.store = open(&folder, &self.clock).await;
    }

    /// Changes the last byte of the state of that gid, below the store and above sled, whose own checksums
    /// would otherwise stop everything.
    async fn corrupt(&mut self, gid: &Gid) {
        let folder = self.next_folder();
        // it may be in the journal only, which would mend it
        open(&folder, &self.clock).await.close().await.unwrap();
        let database = database(&folder).await;
        let name = gid.as_str().as_bytes();
        // the head ends with the length and the text of the gid, and the JSON of the state follows
        let needle = [&[u8::try_from(name.len()).unwrap()], name, b"{"].concat();
        let (key, value) = database
            .scan_prefix(b"s")
            .map(Result::unwrap)
            .find(|(_, value)| value.windows(needle.len()).any(|window| window == needle))
            .unwrap();
        let mut bytes = value.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        database.insert(key, bytes).unwrap();
        database.flush().unwrap();
        drop(database);
        self.store = open(&folder, &self.clock).await;
    }
}

dtm_store::store_suite!(Embedded::open().await);

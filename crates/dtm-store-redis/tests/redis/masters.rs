//! A cluster of which one master is in trouble: whoever needs the others notices nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtm_store::{Error, NewTransaction, Store as _, TransactionStore as _};
use dtm_store_redis::{RedisConfig, RedisStore};
use dtm_testkit::outside::{Private, running};
use tokio::task::JoinSet;

use crate::fixtures::{finish, join, saga};
use crate::support::Space;

/// A cluster of its own that goes on without one of its masters.
struct Cluster {
    space: Space,
    /// The process of its first master.
    pid: String,
    _server: Private,
}

impl Cluster {
    async fn start(folder: &str) -> Option<Self> {
        running("redis_cluster", "REDIS_CLUSTER_NODES")?;
        let server = Private::new("redis_cluster", &Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder));
        let service = server.start().await;
        let nodes: Vec<String> = service["REDIS_CLUSTER_NODES"].split(',').map(str::to_owned).collect();
        let space = Space::at(nodes, None);
        let mut pids = Vec::new();
        for mut connection in space.connect().await {
            let mut set = redis::cmd("CONFIG");
            set.arg("SET").arg("cluster-require-full-coverage").arg("no");
            set.exec_async(&mut connection).await.unwrap();
            let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await.unwrap();
            let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
            pids.push(pid.trim().to_owned());
        }
        Some(Self { space, pid: pids.swap_remove(0), _server: server })
    }

    /// Sends a signal to the first master.
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").arg(name).arg(&self.pid).status().unwrap().success());
    }

    /// Transactions on the first master, and on the others.
    async fn transactions(&self, store: &RedisStore) -> (Vec<NewTransaction>, Vec<NewTransaction>) {
        let tokens = join(store, "a").await;
        let all: Vec<_> = (0..240).map(|index| saga(&format!("g{index}"), &tokens, true)).collect();
        for new in &all {
            store.create(new.clone()).await.unwrap();
        }
        let mut first = self.space.connect().await.remove(0);
        let keys = self.space.keys(&mut first).await;
        let on_first = |new: &NewTransaction| {
            let end = format!(":transaction:{}", new.transaction.gid());
            keys.iter().any(|key| key.ends_with(&end))
        };
        all.into_iter().partition(on_first)
    }
}

impl Drop for Cluster {
    /// One that is stopped could not end.
    fn drop(&mut self) {
        let resumed = Command::new("kill").arg("-CONT").arg(&self.pid).stderr(Stdio::null()).status();
        if resumed.is_err() {
            eprintln!("a server may be left behind");
        }
    }
}

/// All at once; the answer of each, and how long it took.
fn finish_all(store: &Arc<RedisStore>, all: Vec<NewTransaction>) -> JoinSet<(Duration, Result<(), Error>)> {
    let mut callers = JoinSet::new();
    for new in all {
        let store = Arc::clone(store);
        callers.spawn(async move {
            let begun = Instant::now();
            let result = store.commit(finish(&new)).await;
            (begun.elapsed(), result)
        });
    }
    callers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_silent_or_gone_holds_up_nobody_who_needs_the_others() {
    let Some(cluster) = Cluster::start("masters").await else { return };
    let config = RedisConfig {
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(5),
        ..cluster.space.config()
    };
    let store = Arc::new(RedisStore::open(config).await.unwrap());
    let (mut on_first, mut others) = cluster.transactions(&store).await;
    assert!(on_first.len() > 20 && others.len() > 60, "{} and {}", on_first.len(), others.len());
    for signal in ["-STOP", "-KILL"] {
        cluster.signal(signal);
        let blocked = finish_all(&store, on_first.split_off(on_first.len() / 2));
        // one after the other: each would wait behind those that are blocked
        let begun = Instant::now();
        for new in others.split_off(others.len() / 2) {
            store.commit(finish(&new)).await.unwrap();
        }
        let span = begun.elapsed();
        assert!(span < Duration::from_secs(3), "after {signal} the others took {span:?}");
        for (span, result) in blocked.join_all().await {
            // promise 1
            let error = result.unwrap_err();
            assert_eq!(error.happened(), None, "{error}");
            assert!(span < Duration::from_secs(20), "{span:?}");
        }
        if signal == "-STOP" {
            cluster.signal("-CONT");
        }
    }
    assert_eq!(store.queue_depth(), 0);
}

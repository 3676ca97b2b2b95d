//! Everything but the way in: store, runner, transport and use cases, put together from a configuration.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use dtm_proto::http::RequestLimits;
use dtm_store::{Clock, Store, SystemClock, TokenSource, TopicStore};

use crate::alert::{self, AlertSender, AlertTask};
use crate::api::Api;
use crate::clock::{Following, StoreClock};
use crate::config::Config;
use crate::metrics::{Metrics, Watched};
use crate::runner::{Context, Engine, Jitter, Settings};
use crate::start_error::StartError;
use crate::store;
use crate::transport::{BranchTransport, Callable, Discovery, Guarded, LocalBranches, Transport};

/// How long branches of this process that were ended, and their drivers, may take to notice.
const TIME_TO_END: Duration = Duration::from_secs(1);

/// A coordinator that runs, and that nobody can reach from outside yet.
#[derive(Debug)]
pub(crate) struct Assembly {
    /// What can be asked of it.
    pub(crate) api: Api,
    pub(crate) metrics: Metrics,
    store: Arc<dyn Store>,
    alerts: AlertTask,
    local: LocalBranches,
    _following: Following,
    /// How long running passes may take to end when it stops.
    pub(crate) drain: Duration,
}

impl Assembly {
    /// Opens the store and takes up what the last start left.
    ///
    /// # Errors
    /// [`StartError`] saying what to do. Nothing runs then.
    pub(crate) async fn start(config: &Config, local: LocalBranches) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = store::open(config, &clock).await?;
        let clock = StoreClock::of(&store).await?;
        let metrics = Metrics::new();
        let (sender, alerts) = start_alerts(config, &metrics)?;
        let discovery = Discovery::new(&config.transport.discovery);
        let transport = transport(config, discovery.clone(), local.clone())?;
        watch_transport(&metrics, &transport);
        watch_store(&metrics, &store);
        let node = store::node_name(config)?;
        let epoch = store.join(&node).await?;
        tracing::info!(
            node = node.as_str(),
            epoch = epoch.0,
            looks_every = ?config.longest_pause_between_looks(),
            "joined the servers of this store"
        );
        let engine = Engine::start(Context {
            store: Arc::clone(&store),
            transport: transport as Arc<dyn Transport>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            alerts: sender,
            metrics: metrics.clone(),
            policy: config.policy.clone(),
            settings: settings(config),
            tokens: TokenSource::new(node, epoch),
            jitter: Jitter::random(),
        });
        metrics.watch(Watched::ActiveTransactions, engine.watch_active());
        let api = Api {
            engine,
            topics: Arc::clone(&store) as Arc<dyn TopicStore>,
            topic_turns: Arc::default(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            callable: Callable::new(discovery).with_local(local.clone()),
            limits: Arc::new(request_limits(config)),
            timeout_to_fail: config.policy.timeout_to_fail,
            wait_result_max: config.limits.wait_result_max,
        };
        let following = clock.follow(&store);
        Ok(Self {
            api,
            metrics,
            store,
            alerts,
            local,
            _following: following,
            drain: config.runner.drain_timeout,
        })
    }

    /// Ends the runner: what is running may end within the limit, what is deferred is stored, what is driven is released.
    /// A branch of this process that is still running then is ended before others may take its transaction up.
    pub(crate) async fn stop_driving(&self) {
        let patience = if self.local.is_empty() { self.drain } else { self.drain + TIME_TO_END };
        let mut stop = pin!(self.api.engine.stop(patience));
        tokio::select! {
            biased;
            () = &mut stop => self.local.end(),
            () = tokio::time::sleep(self.drain) => {
                self.local.end();
                stop.await;
            }
        }
    }

    /// Closes the store; after [`stop_driving`](Self::stop_driving).
    ///
    /// # Errors
    /// The error of the store when it cannot be closed cleanly; nothing that was acknowledged is lost then.
    pub(crate) async fn close(self) -> Result<(), dtm_store::Error> {
        self.alerts.stop(Duration::from_secs(1)).await;
        self.store.close().await
    }
}

fn start_alerts(config: &Config, metrics: &Metrics) -> Result<(AlertSender, AlertTask), StartError> {
    alert::start(&config.alert, metrics).map_err(|error| StartError::Alert(error.to_string()))
}

fn transport(
    config: &Config,
    discovery: Discovery,
    local: LocalBranches,
) -> Result<Arc<Guarded<BranchTransport>>, StartError> {
    let branches = BranchTransport::new(&config.transport, config.result_protocol, discovery)
        .map_err(|error| StartError::Transport(error.to_string()))?;
    Ok(Arc::new(Guarded::new(branches.with_local(local), &config.transport)))
}

fn watch_transport(metrics: &Metrics, transport: &Arc<Guarded<BranchTransport>>) {
    let watch = |what, read: fn(&Guarded<BranchTransport>) -> u64| {
        let transport = Arc::clone(transport);
        metrics.watch(what, move || read(&transport));
    };
    watch(Watched::BreakersClosed, |transport| count(transport.breakers().closed));
    watch(Watched::BreakersOpen, |transport| count(transport.breakers().open));
    watch(Watched::BreakersHalfOpen, |transport| count(transport.breakers().half_open));
    watch(Watched::RefusedByBreaker, |transport| transport.refusals().by_breaker);
    watch(Watched::RefusedByBulkhead, |transport| transport.refusals().by_bulkhead);
    watch(Watched::GrpcChannels, |transport| count(transport.inner().grpc_channels()));
}

fn watch_store(metrics: &Metrics, store: &Arc<dyn Store>) {
    let watch = |what, read: fn(&dyn Store) -> u64| {
        // Weak: a metric must not keep a closed store open.
        let store = Arc::downgrade(store);
        metrics.watch(what, move || store.upgrade().map_or(0, |store| read(store.as_ref())));
    };
    watch(Watched::StoreQueueDepth, |store| count(store.queue_depth()));
    watch(Watched::StoreBatches, |store| store.write_stats().batches);
    watch(Watched::StoreOperations, |store| store.write_stats().operations);
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// How long a driver trusts its last write on a store that servers share. A saga whose branches are quick never asks; a
/// slow one asks as often as its progress is flushed.
const OWNERSHIP_TRUSTED_FOR: Duration = Duration::from_millis(100);

fn settings(config: &Config) -> Settings {
    let shared = config.store.driver.is_shared();
    Settings {
        active_max: config.runner.active_max,
        sleep_in_memory_max: Duration::from_secs(60),
        flush_after: config.runner.flush_after,
        poll_interval: config.longest_pause_between_looks(),
        claim_batch: config.runner.claim_batch,
        heartbeat_interval: config.runner.node_timeout / 3,
        ownership_trusted_for: shared.then_some(OWNERSHIP_TRUSTED_FOR),
        write_trusted_for: shared.then_some(config.runner.node_timeout / 2),
        keep_finished: Some(config.store.finished_data_expire.into()),
    }
}

pub(crate) fn request_limits(config: &Config) -> RequestLimits {
    RequestLimits {
        branches_max: config.policy.limits.branches_max,
        order_entries_max: config.policy.limits.order_entries_max,
        custom_data_bytes_max: config.limits.custom_data_bytes_max,
        url_bytes_max: config.limits.url_bytes_max,
        header_bytes_max: config.limits.header_bytes_max,
    }
}

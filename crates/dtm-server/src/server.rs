//! A whole server: store, runner and ingress, put together from a configuration.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dtm_proto::http::RequestLimits;
use dtm_store::{Clock, Store, SystemClock, TokenSource, TopicStore};
use tokio::net::TcpListener;

use crate::alert::{self, AlertSender, AlertTask};
use crate::api::Api;
use crate::clock::{Following, StoreClock};
use crate::config::Config;
use crate::ingress::grpc::{GrpcIngress, GrpcServeSettings, GrpcServer};
use crate::ingress::http::{HttpServer, Ingress as HttpIngress, ServeSettings, routes};
use crate::metrics::{Metrics, Watched};
use crate::runner::{Context, Engine, Jitter, Settings};
use crate::store;
use crate::transport::{BranchTransport, Callable, Discovery, Guarded, Transport};

/// A running server.
#[derive(Debug)]
pub struct Server {
    http: HttpServer,
    grpc: GrpcServer,
    engine: Engine,
    store: Arc<dyn Store>,
    alerts: AlertTask,
    _following: Following,
    drain: Duration,
}

/// Why a server does not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error("the store cannot be used: {0}")]
    Store(#[from] dtm_store::Error),
    /// The address cannot be listened on (defect M16).
    #[error(
        "cannot listen on {address} for {protocol}: {error}; choose another port with {flag}, or stop whoever uses it"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What would be served there.
        protocol: &'static str,
        /// The flag that sets the port.
        flag: &'static str,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The name of this server cannot be used.
    #[error("NodeName: {0}")]
    NodeName(#[from] dtm_store::owner::OwnerError),
    /// The calls of branches cannot be set up.
    #[error("branches cannot be called: {0}")]
    Transport(String),
    /// The alert web hook cannot be used.
    #[error("AlertWebHook: {0}")]
    Alert(String),
}

impl Server {
    /// Opens the store, takes up what the last start left, and listens.
    ///
    /// # Errors
    /// [`StartError`] saying what to do. Nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let http = listen(&config, Ingress::Http).await?;
        let grpc = listen(&config, Ingress::Grpc).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = store::open(&config, &clock).await?;
        let clock = StoreClock::of(&store).await?;
        let metrics = Metrics::new();
        let (sender, alerts) = start_alerts(&config, &metrics)?;
        let discovery = Discovery::new(&config.transport.discovery);
        let transport = transport(&config, discovery.clone())?;
        watch_transport(&metrics, &transport);
        watch_store(&metrics, &store);
        let node = store::node_name(&config)?;
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
            settings: settings(&config),
            tokens: TokenSource::new(node, epoch),
            jitter: Jitter::random(),
        });
        metrics.watch(Watched::ActiveTransactions, engine.watch_active());
        let api = Api {
            engine: engine.clone(),
            topics: Arc::clone(&store) as Arc<dyn TopicStore>,
            topic_turns: Arc::default(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            callable: Callable::new(discovery),
            limits: Arc::new(request_limits(&config)),
            timeout_to_fail: config.policy.timeout_to_fail,
            wait_result_max: config.limits.wait_result_max,
        };
        let following = clock.follow(&store);
        let http = start_http(&config, http, &api, &metrics)?;
        let grpc = start_grpc(&config, grpc, &engine, api, metrics)?;
        Ok(Self {
            http,
            grpc,
            engine,
            store,
            alerts,
            _following: following,
            drain: config.runner.drain_timeout,
        })
    }

    /// Where it listens for HTTP.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where it listens for gRPC.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// Waits until the server cannot go on: another one has taken its name among those that share the store.
    pub async fn has_lost_its_name(&self) {
        self.engine.is_stopping().await;
    }

    /// Stops accepting, drains running passes up to the configured limit, stores what is deferred, releases
    /// what is driven, and closes the store (decision 28).
    ///
    /// # Errors
    /// The error of the store when it cannot be closed cleanly; nothing that was acknowledged is lost then.
    pub async fn stop(self) -> Result<(), dtm_store::Error> {
        tokio::join!(self.http.stop(self.drain), self.grpc.stop(self.drain), self.engine.stop(self.drain));
        self.alerts.stop(Duration::from_secs(1)).await;
        self.store.close().await
    }
}

/// What listens.
#[derive(Debug, Clone, Copy)]
enum Ingress {
    Http,
    Grpc,
}

async fn listen(config: &Config, ingress: Ingress) -> Result<TcpListener, StartError> {
    let address = address(config, ingress);
    HttpServer::bind(address).await.map_err(|error| cannot_listen(config, ingress, error))
}

const fn address(config: &Config, ingress: Ingress) -> SocketAddr {
    let port = match ingress {
        Ingress::Http => config.http.port,
        Ingress::Grpc => config.grpc.port,
    };
    SocketAddr::new(config.http.listen, port)
}

const fn cannot_listen(config: &Config, ingress: Ingress, error: std::io::Error) -> StartError {
    let (protocol, flag) = match ingress {
        Ingress::Http => ("HTTP", "--http-port"),
        Ingress::Grpc => ("gRPC", "--grpc-port"),
    };
    StartError::Listen { address: address(config, ingress), protocol, flag, error }
}

fn start_http(
    config: &Config,
    listener: TcpListener,
    api: &Api,
    metrics: &Metrics,
) -> Result<HttpServer, StartError> {
    let ingress = HttpIngress {
        api: api.clone(),
        metrics: metrics.clone(),
        body_bytes_max: config.http.body_bytes_max,
        body_time_max: config.http.body_timeout,
    };
    let settings = ServeSettings {
        header_time_max: config.http.head_timeout,
        idle_time_max: config.http.idle_timeout,
        header_bytes_max: config.http.head_bytes_max as usize,
        connections_max: config.http.connections_max,
    };
    HttpServer::start(listener, routes(ingress), settings)
        .map_err(|error| cannot_listen(config, Ingress::Http, error))
}

fn start_grpc(
    config: &Config,
    listener: TcpListener,
    engine: &Engine,
    api: Api,
    metrics: Metrics,
) -> Result<GrpcServer, StartError> {
    let ingress = GrpcIngress {
        api,
        metrics,
        message_bytes_max: config.http.body_bytes_max,
        message_time_max: config.http.body_timeout,
    };
    let settings = GrpcServeSettings {
        preface_time_max: config.http.head_timeout,
        idle_time_max: config.grpc.idle_timeout,
        header_bytes_max: config.http.head_bytes_max,
        connections_max: config.grpc.connections_max,
        calls_max: config.grpc.calls_max,
        ping: (config.grpc.ping_interval, config.grpc.ping_timeout),
    };
    GrpcServer::start(listener, ingress, engine.healthy(), settings)
        .map_err(|error| cannot_listen(config, Ingress::Grpc, error))
}

fn start_alerts(config: &Config, metrics: &Metrics) -> Result<(AlertSender, AlertTask), StartError> {
    alert::start(&config.alert, metrics).map_err(|error| StartError::Alert(error.to_string()))
}

fn transport(config: &Config, discovery: Discovery) -> Result<Arc<Guarded<BranchTransport>>, StartError> {
    let branches = BranchTransport::new(&config.transport, config.result_protocol, discovery)
        .map_err(|error| StartError::Transport(error.to_string()))?;
    Ok(Arc::new(Guarded::new(branches, &config.transport)))
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

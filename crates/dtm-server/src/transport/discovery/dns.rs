//! Services whose addresses stand in DNS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::driver::{Driver, Found, LookupError};

/// Asks name servers.
#[derive(Clone)]
pub(super) struct DnsClient(Result<Arc<TokioResolver>, Arc<str>>);

/// Serves `dns://HOST:PORT`.
#[derive(Debug)]
pub(super) struct DnsDriver(pub(super) DnsClient);

/// Serves `dns+srv://NAME`.
#[derive(Debug)]
pub(super) struct SrvDriver(pub(super) DnsClient);

impl DnsClient {
    /// Asks `servers`, or those of the system when there are none. When the system's configuration cannot be
    /// read, a warning says so, and every look-up fails with that reason.
    pub(super) fn new(servers: &[SocketAddr]) -> Self {
        let built = builder(servers).and_then(|mut builder| {
            let options = builder.options_mut();
            // kept by us, so that a failing call can have them looked up again
            options.cache_size = 0;
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            options.timeout = ANSWER_TIME_MAX;
            builder.build()
        });
        Self(built.map(Arc::new).map_err(|error| {
            tracing::warn!(%error, "no DNS: services of dns:// and dns+srv:// URLs cannot be looked up; set Discovery.NameServers");
            format!("DNS cannot be used: {error}").into()
        }))
    }

    fn resolver(&self) -> Result<&TokioResolver, LookupError> {
        self.0.as_deref().map_err(|reason| LookupError::Failed(Arc::clone(reason)))
    }

    async fn ips(&self, host: &str) -> Result<(Vec<IpAddr>, Option<Duration>), LookupError> {
        let found = self.resolver()?.lookup_ip(host).await.map_err(|error| failed(&error))?;
        Ok((found.iter().collect(), Some(left(found.valid_until()))))
    }
}

fn builder(servers: &[SocketAddr]) -> Result<ResolverBuilder<TokioRuntimeProvider>, NetError> {
    if servers.is_empty() {
        return TokioResolver::builder_tokio();
    }
    let servers = servers.iter().map(|server| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        NameServerConfig::new(server.ip(), true, connections.to_vec())
    });
    let config = ResolverConfig::from_name_servers(servers.collect());
    Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
}

#[async_trait::async_trait]
impl Driver for DnsDriver {
    fn scheme(&self) -> &'static str {
        "dns"
    }

    fn check(&self, name: &str) -> Result<(), String> {
        split(name).map(|_| ()).ok_or_else(|| "write dns://host:port/...".to_owned())
    }

    async fn look_up(&self, name: &str) -> Result<Found, LookupError> {
        let (host, port) = split(name).ok_or(LookupError::NoAddresses)?;
        let (ips, valid_for) = self.0.ips(host).await?;
        let addresses = ips.into_iter().map(|ip| (0, SocketAddr::new(ip, port))).collect();
        Ok(Found { addresses, valid_for })
    }
}

#[async_trait::async_trait]
impl Driver for SrvDriver {
    fn scheme(&self) -> &'static str {
        "dns+srv"
    }

    fn check(&self, name: &str) -> Result<(), String> {
        if is_host(name) { Ok(()) } else { Err("write dns+srv://_service._tcp.domain/...".to_owned()) }
    }

    /// A target that cannot be looked up takes none of the others with it.
    async fn look_up(&self, name: &str) -> Result<Found, LookupError> {
        let found = self.0.resolver()?.lookup(name, RecordType::SRV).await.map_err(|error| failed(&error))?;
        let mut valid_for = left(found.valid_until());
        let targets = found.answers().iter().filter_map(|record| match &record.data {
            // a target of "." says that there is no such service (RFC 2782)
            RData::SRV(service) if !service.target.is_root() => {
                Some((service.priority, service.port, service.target.to_string()))
            }
            _ => None,
        });
        let looked_up = join_all(
            targets
                .take(TARGETS_MAX)
                .map(|(priority, port, target)| async move { (priority, port, self.0.ips(&target).await) }),
        );
        let mut addresses = Vec::new();
        let mut trouble = LookupError::NoAddresses;
        for (priority, port, ips) in looked_up.await {
            match ips {
                Ok((ips, valid)) => {
                    valid_for = valid.map_or(valid_for, |valid| valid.min(valid_for));
                    addresses.extend(ips.into_iter().map(|ip| (priority, SocketAddr::new(ip, port))));
                }
                Err(error) => trouble = error,
            }
        }
        if addresses.is_empty() { Err(trouble) } else { Ok(Found { addresses, valid_for: Some(valid_for) }) }
    }
}

impl std::fmt::Debug for DnsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DnsClient").field("works", &self.0.is_ok()).finish()
    }
}

fn split(name: &str) -> Option<(&str, u16)> {
    let (host, port) = name.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    is_host(host).then_some((host, port))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= NAME_BYTES_MAX
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn failed(error: &NetError) -> LookupError {
    LookupError::Failed(format!("the name could not be looked up: {error}").into())
}

/// How long one name server may take for one answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// Targets of SRV records that are looked up; more than that are left out.
const TARGETS_MAX: usize = 64;
/// The longest name of a host (RFC 1035).
const NAME_BYTES_MAX: usize = 253;

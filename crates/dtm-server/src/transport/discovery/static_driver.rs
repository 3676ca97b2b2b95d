//! Services whose addresses stand in the configuration.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::super::resolver::Resolver;
use super::driver::{Driver, Found, LookupError};
use crate::config::StaticServices;

/// Serves `static://NAME`. Addresses with host names are looked up by the system.
#[derive(Debug)]
pub(super) struct StaticDriver {
    services: StaticServices,
    resolver: Resolver,
}

impl StaticDriver {
    pub(super) const fn new(services: StaticServices, resolver: Resolver) -> Self {
        Self { services, resolver }
    }

    async fn addresses(&self, host_and_port: &str) -> Result<Vec<SocketAddr>, LookupError> {
        if let Ok(address) = host_and_port.parse() {
            return Ok(vec![address]);
        }
        let Some((host, port)) = host_and_port.rsplit_once(':') else { return Err(LookupError::NoAddresses) };
        let port = port.parse().map_err(|_| LookupError::NoAddresses)?;
        let found = self.resolver.look_up(host).await?;
        Ok(found.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect())
    }
}

#[async_trait::async_trait]
impl Driver for StaticDriver {
    fn scheme(&self) -> &'static str {
        "static"
    }

    fn check(&self, name: &str) -> Result<(), String> {
        if self.services.addresses(name).is_some() {
            return Ok(());
        }
        let names: Vec<&str> = self.services.names().collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(format!("Discovery.Services has no such service; it has {known}"))
    }

    /// An address that cannot be looked up takes none of the others with it.
    async fn look_up(&self, name: &str) -> Result<Found, LookupError> {
        let listed = self.services.addresses(name).ok_or(LookupError::NoAddresses)?;
        let mut addresses = Vec::with_capacity(listed.len());
        let mut trouble = LookupError::NoAddresses;
        for found in join_all(listed.iter().map(|address| self.addresses(address))).await {
            match found {
                Ok(found) => addresses.extend(found.into_iter().map(|address| (0, address))),
                Err(error) => trouble = error,
            }
        }
        if addresses.is_empty() { Err(trouble) } else { Ok(Found { addresses, valid_for: None }) }
    }
}

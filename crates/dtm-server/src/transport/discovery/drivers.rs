//! All drivers together.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::super::resolver::Resolver;
use super::super::target::UrlError;
use super::dns::{DnsClient, DnsDriver, SrvDriver};
use super::driver::LookupError;
use super::names::Names;
use super::static_driver::StaticDriver;
use crate::config::DiscoveryConfig;

/// Finds the addresses of services. Cheap to clone; the clones share what was looked up.
#[derive(Debug, Clone)]
pub struct Discovery {
    drivers: Vec<Names>,
    resolver: Resolver,
}

/// The part of a URL that names a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Service<'a> {
    /// Without `://`.
    pub(in super::super) scheme: &'a str,
    /// What the driver knows it by.
    pub(in super::super) name: &'a str,
    /// What is called there: from the first `/` after the name on.
    pub(in super::super) path: &'a str,
}

/// One address of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Endpoint<'a> {
    pub(in super::super) service: Service<'a>,
    pub(in super::super) address: SocketAddr,
}

impl Discovery {
    /// The drivers that there are: `static`, `dns` and `dns+srv`.
    #[must_use]
    pub fn new(config: &DiscoveryConfig) -> Self {
        let dns = DnsClient::new(&config.name_servers);
        let resolver = Resolver::new();
        let names = |driver| Names::new(driver, config.age_max);
        Self {
            drivers: vec![
                names(Box::new(StaticDriver::new(config.services.clone(), resolver.clone()))),
                names(Box::new(DnsDriver(dns.clone()))),
                names(Box::new(SrvDriver(dns))),
            ],
            resolver,
        }
    }

    /// The system's resolver: whoever looks host names up shares its bounds.
    pub(in super::super) fn resolver(&self) -> Resolver {
        self.resolver.clone()
    }

    /// Checks that `service` could be found at all.
    pub(in super::super) fn check(&self, service: &Service<'_>) -> Result<(), UrlError> {
        let driver = self.driver(service.scheme)?;
        driver.driver().check(service.name).map_err(UrlError::Service)
    }

    /// The address that is to be called next, except for those that were `tried`. `None`: all were.
    pub(in super::super) async fn next<'a>(
        &self,
        service: Service<'a>,
        tried: &[SocketAddr],
    ) -> Result<Option<Endpoint<'a>>, LookupError> {
        let driver =
            self.driver(service.scheme).map_err(|error| LookupError::Failed(error.to_string().into()))?;
        let addresses = driver.get(service.name).await?;
        Ok(addresses.next(tried, Instant::now()).map(|address| Endpoint { service, address }))
    }

    /// An endpoint could be reached, or not.
    pub(in super::super) fn note(&self, endpoint: &Endpoint<'_>, reached: bool) {
        if let Ok(driver) = self.driver(endpoint.service.scheme) {
            driver.note(endpoint.service.name, endpoint.address, reached);
        }
    }

    fn driver(&self, scheme: &str) -> Result<&Names, UrlError> {
        let found = self.drivers.iter().find(|names| names.driver().scheme().eq_ignore_ascii_case(scheme));
        found.ok_or_else(|| UrlError::NoDriver {
            scheme: scheme.chars().take(SCHEME_CHARS_MAX).collect(),
            served: self.drivers.iter().map(|names| format!("{}://", names.driver().scheme())).collect(),
        })
    }
}

/// How much of a scheme an error repeats.
const SCHEME_CHARS_MAX: usize = 32;

//! What `static://NAME` means: services with their addresses, from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Services by name, each with at least one `host:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticServices(Arc<BTreeMap<String, Vec<String>>>);

impl StaticServices {
    /// Reads `name=host:port,host:port;name=host:port`. `None` when it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut services = BTreeMap::new();
        for service in text.split(';').map(str::trim).filter(|service| !service.is_empty()) {
            let (name, addresses) = service.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let addresses: Vec<String> =
                addresses.split(',').map(|address| checked(address.trim())).collect::<Option<_>>()?;
            if !is_name(&name) || services.insert(name, addresses).is_some() {
                return None;
            }
        }
        Some(Self(Arc::new(services)))
    }

    /// The addresses of a service, `host:port` each; names are compared without regard to case.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Option<&[String]> {
        self.0.get(&name.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// The names of all services.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn checked(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let is_host = |host: &str| {
        let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        v6.map_or_else(|| is_name(host), |v6| v6.parse::<std::net::Ipv6Addr>().is_ok())
    };
    (port > 0 && is_host(host)).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_and_one_or_more_addresses() {
        let services = StaticServices::parse(" Stock = 10.0.0.1:80, stock-2:80 ; pay=[::1]:50051; ").unwrap();
        assert_eq!(services.addresses("stock").unwrap(), ["10.0.0.1:80", "stock-2:80"]);
        assert_eq!(services.addresses("PAY").unwrap(), ["[::1]:50051"]);
        assert_eq!(services.addresses("other"), None);
        assert_eq!(services.names().collect::<Vec<_>>(), ["pay", "stock"]);
        assert_eq!(StaticServices::parse("").unwrap(), StaticServices::default());
    }

    #[test]
    fn what_is_of_another_form_is_refused() {
        for text in [
            "stock",
            "stock=",
            "stock=,",
            "=h:1",
            "stock=h",
            "stock=h:0",
            "stock=h:70000",
            "stock=h:x",
            "st ock=h:1",
            "stock=h h:1",
            "stock=:1",
            "stock=[::1:1",
            "stock=::1:1",
            "a=h:1;A=h:2",
            "stock=http://h:1",
        ] {
            assert_eq!(StaticServices::parse(text), None, "{text}");
        }
    }
}

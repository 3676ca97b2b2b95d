//! By which protocol a URL is called, and where (behaviour 40, 45, 47).
//!
//! | URL | transaction of `http` | of `json-rpc` | of `grpc` |
//! |---|---|---|---|
//! | `http://`, `https://` | HTTP | JSON-RPC if it contains `method`, else HTTP | HTTP |
//! | `host:port/package.Service/Method` | refused | gRPC | gRPC |
//! | `static://`, `dns://`, `dns+srv://` | HTTP | JSON-RPC if it contains `method`, else HTTP | gRPC |
//! | the same behind `http+` or `grpc+` | as it says | as it says | as it says |

use dtm_core::model::Protocol;

use super::discovery::Service;
use super::target::{UrlError, split_scheme};

/// By which protocol a URL is called, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) dialect: Dialect,
    /// `None`: the URL has the address itself.
    pub(super) service: Option<Service<'a>>,
}

/// What is spoken to a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Http,
    JsonRpc,
    Grpc,
}

impl<'a> Route<'a> {
    /// The route of `url` in a transaction of `protocol`.
    pub(super) fn of(url: &'a str, protocol: Protocol) -> Result<Self, UrlError> {
        if split_scheme(url).is_some() {
            return Ok(Self { dialect: over_http(url, protocol), service: None });
        }
        if let Some((scheme, rest)) = url.split_once("://") {
            return Ok(discovered(url, scheme, rest, protocol));
        }
        match protocol {
            // nearly always a forgotten http://
            Protocol::Http => Err(UrlError::NoScheme),
            Protocol::Grpc | Protocol::JsonRpc => Ok(Self { dialect: Dialect::Grpc, service: None }),
        }
    }
}

fn discovered<'a>(url: &str, scheme: &'a str, rest: &'a str, protocol: Protocol) -> Route<'a> {
    let (dialect, scheme) = match scheme.split_once('+') {
        Some((said, scheme)) if said.eq_ignore_ascii_case("grpc") => (Dialect::Grpc, scheme),
        Some((said, scheme)) if said.eq_ignore_ascii_case("http") => (over_http(url, protocol), scheme),
        _ if protocol == Protocol::Grpc => (Dialect::Grpc, scheme),
        _ => (over_http(url, protocol), scheme),
    };
    // dns:///host:port is how gRPC libraries write it
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (name, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    Route { dialect, service: Some(Service { scheme, name, path }) }
}

fn over_http(url: &str, protocol: Protocol) -> Dialect {
    if protocol == Protocol::JsonRpc && url.contains("method") { Dialect::JsonRpc } else { Dialect::Http }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Protocol::{Grpc, Http, JsonRpc};

    #[test]
    fn the_url_decides_and_the_protocol_of_the_transaction_where_the_url_leaves_it_open() {
        // behaviour 40, 45, 47
        for (url, protocol, expected) in [
            ("http://h/a", Http, Ok(Dialect::Http)),
            ("http://h/a", Grpc, Ok(Dialect::Http)),
            ("HTTPS://h/a", Grpc, Ok(Dialect::Http)),
            ("http://h/a?method=m", Http, Ok(Dialect::Http)),
            ("http://h/a?method=m", Grpc, Ok(Dialect::Http)),
            ("http://h/a?method=m", JsonRpc, Ok(Dialect::JsonRpc)),
            ("http://h/methods", JsonRpc, Ok(Dialect::JsonRpc)),
            ("http://h/a", JsonRpc, Ok(Dialect::Http)),
            ("h:1/p.S/M", Grpc, Ok(Dialect::Grpc)),
            ("h:1/p.S/method", JsonRpc, Ok(Dialect::Grpc)),
            ("h:1/p.S/M", Http, Err(UrlError::NoScheme)),
            ("static://s/a", Http, Ok(Dialect::Http)),
            ("static://s/a?method=m", JsonRpc, Ok(Dialect::JsonRpc)),
            ("static://s/p.S/M", Grpc, Ok(Dialect::Grpc)),
            ("grpc+static://s/p.S/M", Http, Ok(Dialect::Grpc)),
            ("http+dns://h:1/a", Grpc, Ok(Dialect::Http)),
            ("GRPC+dns+srv://h/p.S/M", JsonRpc, Ok(Dialect::Grpc)),
        ] {
            assert_eq!(Route::of(url, protocol).map(|route| route.dialect), expected, "{url} {protocol:?}");
        }
    }

    #[test]
    fn a_service_has_a_scheme_a_name_and_a_path() {
        for (url, scheme, name, path) in [
            ("static://stock/deduct?x=1", "static", "stock", "/deduct?x=1"),
            ("dns://h:80", "dns", "h:80", ""),
            ("dns:///h:80/p.S/M", "dns", "h:80", "/p.S/M"),
            ("http+dns+srv://_http._tcp.h?x", "dns+srv", "_http._tcp.h", "?x"),
            ("grpc+dns+srv://h/p.S/M", "dns+srv", "h", "/p.S/M"),
            ("nacos://h/a", "nacos", "h", "/a"),
        ] {
            let service = Route::of(url, Http).unwrap().service.unwrap();
            assert_eq!(service, Service { scheme, name, path }, "{url}");
        }
        for url in ["http://h/a", "https://h/a"] {
            assert_eq!(Route::of(url, Http).unwrap().service, None);
        }
    }
}

//! By which protocol a URL is called (behaviour 40, 45, 47).
//!
//! | URL | transaction of `http` | of `json-rpc` | of `grpc` |
//! |---|---|---|---|
//! | `http://`, `https://` | HTTP | JSON-RPC if it contains `method`, else HTTP | HTTP |
//! | `host:port/package.Service/Method` | refused | gRPC | gRPC |
//! | another scheme | refused | refused | refused |

use dtm_core::model::Protocol;

use super::target::{UrlError, split_scheme};

/// By which protocol a URL is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Http,
    JsonRpc,
    Grpc,
}

impl Route {
    /// The route of `url` in a transaction of `protocol`.
    pub(super) fn of(url: &str, protocol: Protocol) -> Result<Self, UrlError> {
        if split_scheme(url).is_some() {
            let json_rpc = protocol == Protocol::JsonRpc && url.contains("method");
            return Ok(if json_rpc { Self::JsonRpc } else { Self::Http });
        }
        if let Some((scheme, _)) = url.split_once("://") {
            return Err(UrlError::NoDriver(scheme.chars().take(SCHEME_CHARS_MAX).collect()));
        }
        match protocol {
            // nearly always a forgotten http://
            Protocol::Http => Err(UrlError::NoScheme),
            Protocol::Grpc | Protocol::JsonRpc => Ok(Self::Grpc),
        }
    }
}

/// How much of a scheme an error repeats.
const SCHEME_CHARS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_decides_and_the_protocol_of_the_transaction_where_the_url_leaves_it_open() {
        // behaviour 40, 45, 47
        use Protocol::{Grpc, Http, JsonRpc};
        for (url, protocol, expected) in [
            ("http://h/a", Http, Ok(Route::Http)),
            ("http://h/a", Grpc, Ok(Route::Http)),
            ("HTTPS://h/a", Grpc, Ok(Route::Http)),
            ("http://h/a?method=m", Http, Ok(Route::Http)),
            ("http://h/a?method=m", Grpc, Ok(Route::Http)),
            ("http://h/a?method=m", JsonRpc, Ok(Route::JsonRpc)),
            ("http://h/methods", JsonRpc, Ok(Route::JsonRpc)),
            ("http://h/a", JsonRpc, Ok(Route::Http)),
            ("h:1/p.S/M", Grpc, Ok(Route::Grpc)),
            ("h:1/p.S/method", JsonRpc, Ok(Route::Grpc)),
            ("h:1/p.S/M", Http, Err(UrlError::NoScheme)),
            ("nacos://h/a", Http, Err(UrlError::NoDriver("nacos".to_owned()))),
            ("etcd://h/a", Grpc, Err(UrlError::NoDriver("etcd".to_owned()))),
            ("topic://news", JsonRpc, Err(UrlError::NoDriver("topic".to_owned()))),
        ] {
            assert_eq!(Route::of(url, protocol), expected, "{url} {protocol:?}");
        }
    }
}

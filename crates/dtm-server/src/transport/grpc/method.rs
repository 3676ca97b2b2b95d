//! The URL of a branch over gRPC: `host:port/package.Service/Method` (behaviour 45).

use std::borrow::Cow;

use http::Uri;

use super::super::discovery::{Endpoint, Service};
use super::super::target::UrlError;

/// A method of a gRPC server.
#[derive(Debug)]
pub(in super::super) struct GrpcMethod<'a> {
    /// Where to connect to: host and port, as in the URL, or the address that was found.
    pub(super) authority: Cow<'a, str>,
    /// What is called.
    pub(super) uri: Uri,
}

impl<'a> GrpcMethod<'a> {
    /// Splits `url` at the first `/`.
    pub(in super::super) fn new(url: &'a str) -> Result<Self, UrlError> {
        let (authority, path) = url.split_once('/').ok_or(UrlError::NoMethod)?;
        let uri = uri(authority, path)?;
        match uri.authority().map(http::uri::Authority::port_u16) {
            Some(Some(1..)) => Ok(Self { authority: authority.into(), uri }),
            Some(Some(0) | None) | None => Err(UrlError::GrpcPort),
        }
    }

    /// A method of a service whose address is not known yet.
    pub(in super::super) fn of_service(service: &Service<'a>) -> Result<Self, UrlError> {
        let path = service.path.strip_prefix('/').ok_or(UrlError::NoMethod)?;
        Ok(Self { authority: service.name.into(), uri: uri(service.name, path)? })
    }

    /// A method of a service at an address that was found. The server is told the name of the service.
    pub(super) fn at(endpoint: &Endpoint<'a>) -> Result<Self, UrlError> {
        Ok(Self { authority: endpoint.address.to_string().into(), ..Self::of_service(&endpoint.service)? })
    }
}

fn uri(authority: &str, path: &str) -> Result<Uri, UrlError> {
    let (service, method) = path.rsplit_once('/').ok_or(UrlError::NoMethod)?;
    if service.is_empty() || method.is_empty() || !path.bytes().all(may_stand_in_a_path) {
        return Err(UrlError::NoMethod);
    }
    if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
        return Err(UrlError::NoMethod);
    }
    Uri::try_from(format!("http://{authority}/{path}")).map_err(|_| UrlError::NoMethod)
}

/// Visible ASCII, and neither the beginning of a query nor of a fragment.
fn may_stand_in_a_path(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_at_the_first_slash() {
        // behaviour 45
        for (url, authority, path) in [
            ("stock:50051/busi.Busi/TransIn", "stock:50051", "/busi.Busi/TransIn"),
            ("[::1]:50051/busi.Busi/TransIn", "[::1]:50051", "/busi.Busi/TransIn"),
            ("10.0.0.1:1/a.b.C/D", "10.0.0.1:1", "/a.b.C/D"),
            ("stock:1/gateway/busi.Busi/TransIn", "stock:1", "/gateway/busi.Busi/TransIn"),
        ] {
            let method = GrpcMethod::new(url).unwrap();
            assert_eq!((&*method.authority, method.uri.path()), (authority, path), "{url}");
        }
    }

    #[test]
    fn what_is_no_method_of_a_server_is_refused() {
        for url in [
            "stock:50051",
            "stock:50051/",
            "stock:50051/busi.Busi",
            "stock:50051/busi.Busi/",
            "stock:50051//TransIn",
            "/busi.Busi/TransIn",
            ":50051/busi.Busi/TransIn",
            "user@stock:50051/busi.Busi/TransIn",
            "stock:50051/busi.Busi/TransIn?a=b",
            "stock:50051/busi.Busi/Trans In",
            "sto ck:50051/busi.Busi/TransIn",
            "stock:50051/busi.Büsi/TransIn",
        ] {
            assert_eq!(GrpcMethod::new(url).unwrap_err(), UrlError::NoMethod, "{url}");
        }
        for url in ["stock/busi.Busi/TransIn", "stock:0/busi.Busi/TransIn", "stock:/busi.Busi/TransIn"] {
            assert_eq!(GrpcMethod::new(url).unwrap_err(), UrlError::GrpcPort, "{url}");
        }
    }
}

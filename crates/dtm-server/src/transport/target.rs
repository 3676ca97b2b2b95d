//! The URL of a branch: which ones can be called, and what is called in the end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::discovery::Endpoint;

/// The longest URL of a branch in bytes, before the server appends its query.
pub const URL_BYTES_MAX: usize = 8_192;

/// Why a URL cannot be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither a scheme, nor a protocol that would make it a gRPC method.
    #[error(
        "the URL has to begin with http:// or https://; a gRPC method, host:port/package.Service/Method, \
         needs protocol grpc"
    )]
    NoScheme,
    /// A scheme that nobody here knows how to call.
    #[error(
        "no driver serves {scheme}:// URLs; served are http://, https://, {} and, with protocol grpc, \
         host:port/package.Service/Method", served.join(", ")
    )]
    NoDriver {
        /// The scheme.
        scheme: String,
        /// The schemes that there are drivers for.
        served: Vec<String>,
    },
    /// A branch in this process that there is not.
    #[error(
        "no branch of this program is registered as '{name}' (registered: {registered}); local: URLs name the branches of an \
         application with an embedded coordinator"
    )]
    NoLocalBranch {
        /// The name, or its beginning.
        name: String,
        /// The names that there are, or some of them.
        registered: String,
    },
    /// A name that its driver can never find.
    #[error("the service of the URL cannot be found: {0}")]
    Service(String),
    /// Without a scheme, but no gRPC method either.
    #[error("the URL is no gRPC method: write host:port/package.Service/Method")]
    NoMethod,
    /// A gRPC method without a port.
    #[error("a gRPC method needs a port from 1 to 65535: write host:port/package.Service/Method")]
    GrpcPort,
    /// Longer than [`URL_BYTES_MAX`].
    #[error("the URL is {0} bytes long, at most {URL_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// A line feed, a tab, ...
    #[error("the URL has a control character")]
    ControlCharacter,
    /// There is nothing between the slashes.
    #[error("the URL names no host: write http://host:port/path or https://host:port/path")]
    NoHost,
    /// Not a number of 16 bits.
    #[error("the port of the URL is not a number from 0 to 65535")]
    Port,
    /// Something else is wrong with it.
    #[error("the URL does not parse ({0}): write http://host:port/path or https://host:port/path")]
    Malformed(String),
}

/// What a request needs to know of a URL.
#[derive(Debug)]
pub(crate) struct Target {
    /// Scheme, host, port, path and query; neither user nor fragment.
    pub(crate) uri: Uri,
    /// The `Host` header: a part of the same allocation.
    pub(crate) host: HeaderValue,
    /// The `Authorization` header, when the URL names a user.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Target {
    /// The same for an endpoint that was found: it is called by its address, and told the name of the service.
    pub(super) fn at(endpoint: &Endpoint<'_>, query: &[(&str, &str)]) -> Result<Self, UrlError> {
        let target = Self::new(&format!("http://{}{}", endpoint.address, endpoint.service.path), query)?;
        let host = HeaderValue::from_str(endpoint.service.name);
        let host = host.map_err(|error| UrlError::Malformed(error.to_string()))?;
        Ok(Self { host, ..target })
    }

    /// Appends `query` to the query of `url`. Everything that may not stand in a URL is percent-encoded, so
    /// that a path with spaces or Unicode works as it does with DTM.
    pub(crate) fn new(url: &str, query: &[(&str, &str)]) -> Result<Self, UrlError> {
        let (scheme, url_rest) = split_scheme(url).ok_or(UrlError::NoScheme)?;
        let (authority, path) = split_authority(url_rest);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err(UrlError::NoHost);
        }

        // one allocation for the whole URI: the query of most calls is below 128 bytes
        let mut text = String::with_capacity(url.len() + 1 + 128);
        text.push_str(scheme);
        text.push_str(host);
        append_path(&mut text, path);
        append_query(&mut text, query);
        let text = Bytes::from(text);
        let host_header = text.slice(scheme.len()..scheme.len() + host.len());

        let uri = Uri::from_maybe_shared(text).map_err(|error| UrlError::Malformed(error.to_string()))?;
        let authority = uri.authority().ok_or(UrlError::NoHost)?;
        // without this check, a port that does not parse would be called as the default port
        if authority.as_str().len() != authority.host().len() && authority.port_u16().is_none() {
            return Err(UrlError::Port);
        }
        let host = HeaderValue::from_maybe_shared(host_header)
            .map_err(|error| UrlError::Malformed(error.to_string()))?;
        Ok(Self { uri, host, authorization: user.map(basic).transpose()? })
    }
}

/// Splits `http://` or `https://` from the rest; the scheme comes back in lower case.
pub(super) fn split_scheme(url: &str) -> Option<(&'static str, &str)> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = url.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
    })
}

/// Splits `user@host:port` from path, query and fragment.
pub(super) fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

fn append_path(text: &mut String, path: &str) {
    let path = path.split_once('#').map_or(path, |(path, _fragment)| path);
    if !path.starts_with('/') {
        text.push('/');
    }
    text.extend(utf8_percent_encode(path, NOT_IN_A_URL));
}

fn append_query(text: &mut String, query: &[(&str, &str)]) {
    for (position, (name, value)) in query.iter().enumerate() {
        match position {
            0 if !text.contains('?') => text.push('?'),
            0 if text.ends_with(['?', '&']) => {}
            _ => text.push('&'),
        }
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, NOT_IN_A_VALUE));
    }
}

/// `user:password` of a URL as a header: Go's HTTP client, and with it DTM, sends it that way.
fn basic(user: &str) -> Result<HeaderValue, UrlError> {
    let mut credentials: Vec<u8> = percent_decode_str(user).collect();
    if !user.contains(':') {
        credentials.push(b':');
    }
    let mut header = HeaderValue::try_from(format!("Basic {}", BASE64.encode(credentials)))
        .map_err(|error| UrlError::Malformed(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// What `http::Uri` or a strict server refuses in a path or query. `%` is not in it: what the client has
/// encoded stays as it is.
const NOT_IN_A_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Everything but the unreserved characters of RFC 3986. A space becomes `%20`, which both kinds of decoders
/// understand, and not `+`, which only one of them does.
const NOT_IN_A_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str, query: &[(&str, &str)]) -> String {
        Target::new(url, query).unwrap().uri.to_string()
    }

    #[test]
    fn the_query_is_appended_to_whatever_the_url_has() {
        // behaviour 49
        let query = [("branch_id", "01"), ("gid", "g")];
        for (url, expected) in [
            ("http://h", "http://h/?branch_id=01&gid=g"),
            ("http://h:80/a/b", "http://h:80/a/b?branch_id=01&gid=g"),
            ("http://h/a?", "http://h/a?branch_id=01&gid=g"),
            ("http://h?x=1", "http://h/?x=1&branch_id=01&gid=g"),
            ("http://h/a?x=1&", "http://h/a?x=1&branch_id=01&gid=g"),
            ("http://h/a?x=1#part?y=2", "http://h/a?x=1&branch_id=01&gid=g"),
            ("HTTPS://h/a", "https://h/a?branch_id=01&gid=g"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a?branch_id=01&gid=g"),
        ] {
            assert_eq!(uri(url, &query), expected, "{url}");
        }
    }

    #[test]
    fn values_are_percent_encoded_and_what_the_client_encoded_is_left_alone() {
        // behaviour 9, 49
        for (gid, encoded) in [
            ("order 47", "order%2047"),
            ("a/b?c=d&e#f", "a%2Fb%3Fc%3Dd%26e%23f"),
            ("it's \"quoted\"+%", "it%27s%20%22quoted%22%2B%25"),
            ("订单", "%E8%AE%A2%E5%8D%95"),
            ("a-b_c.d~e", "a-b_c.d~e"),
        ] {
            assert_eq!(uri("http://h/p%20q", &[("gid", gid)]), format!("http://h/p%20q?gid={encoded}"));
        }
        assert_eq!(uri("http://h/路 {1}?q=路", &[]), "http://h/%E8%B7%AF%20%7B1%7D?q=%E8%B7%AF");
    }

    #[test]
    fn a_user_in_the_url_becomes_a_header_and_leaves_the_uri() {
        let target = Target::new("http://us%40er:pa%3Ass@h/a", &[]).unwrap();
        assert_eq!(target.uri.to_string(), "http://h/a");
        assert_eq!(target.host, "h");
        let authorization = target.authorization.unwrap();
        assert_eq!(authorization, format!("Basic {}", BASE64.encode("us@er:pa:ss")).as_str());
        assert!(authorization.is_sensitive(), "not shown by Debug");
    }
}

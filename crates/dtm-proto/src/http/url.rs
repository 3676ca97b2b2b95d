//! Which URLs can be stored: only those that can never be called are refused.

use super::limits::URL_BYTES_MAX;
use super::request_error::RequestError;

/// Checks the URL of a branch. The empty URL is allowed (behaviour 54), and so is every scheme: which ones can
/// be called depends on the drivers of the server.
///
/// # Errors
/// [`RequestError`] when it is too long, has a control character, or is an `http` URL without a usable host.
pub(super) fn check_url(field: impl Fn() -> String, url: &str) -> Result<(), RequestError> {
    if url.len() > URL_BYTES_MAX {
        let bytes = url.len();
        return Err(RequestError::TooLarge { field: field(), bytes, limit: URL_BYTES_MAX, setting: "" });
    }
    if url.contains(char::is_control) {
        return Err(RequestError::field(field(), "must be a URL without control characters"));
    }
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return Ok(());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if is_authority(authority) {
        return Ok(());
    }
    Err(RequestError::field(
        field(),
        "must be a URL with a host and, if there is one, a port from 0 to 65535",
    ))
}

/// `[userinfo@]host[:port]` of RFC 3986, section 3.2, as far as it decides whether anything can be called.
fn is_authority(authority: &str) -> bool {
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    let (host, port) = match host_port.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
            None => return false,
        },
        None => host_port.split_once(':').unwrap_or((host_port, "")),
    };
    let host_is_usable =
        !host.is_empty() && !host.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']);
    host_is_usable && (port.is_empty() || port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(url: &str) -> bool {
        check_url(|| "steps[0].action".to_owned(), url).is_ok()
    }

    #[test]
    fn every_url_that_some_client_sends_is_accepted() {
        for url in [
            "",
            "http://localhost:8081/api/busi/TransIn",
            "https://user:pw@stock.example/deduct?x=1#part",
            "http://[::1]:8080/a",
            "http://stock/a b",
            "http://库存/扣减",
            "localhost:58081/busi.Busi/TransIn",
            "topic://orders",
            "nacos://service/path?groupName=DEFAULT_GROUP",
        ] {
            assert!(accepted(url), "{url}");
        }
    }

    #[test]
    fn a_url_that_can_never_be_called_is_refused_with_its_field() {
        // decision 14
        for url in [
            "http://",
            "http:///path",
            "http://?x",
            "http://:80/",
            "http://host:99999/",
            "http://host:port/",
            "http://[::1/",
            "http://ho st/",
            "http://host/a\r\nX-Evil: 1",
            "http://host/\0",
        ] {
            assert!(!accepted(url), "{url:?}");
        }
        let long = format!("http://host/{}", "a".repeat(URL_BYTES_MAX));
        let message = check_url(|| "steps[3].action".to_owned(), &long).unwrap_err().to_string();
        assert_eq!(message, "steps[3].action is 8204 bytes long, at most 8192 are allowed");
    }
}

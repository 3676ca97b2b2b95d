//! Where a server is.

use std::fmt::Display;

use reqwest::Url;

use crate::Error;

/// One server that is reached over HTTP.
#[derive(Clone)]
pub(crate) struct Address {
    /// The HTTP API: `http://HOST:PORT/api/dtmsvr`.
    pub(crate) api: Url,
    /// The JSON-RPC API beside it: `http://HOST:PORT/api/json-rpc`.
    pub(crate) json_rpc: Url,
}

/// What the last part of the path of each API is called.
const API: &str = "dtmsvr";
const JSON_RPC: &str = "json-rpc";

impl Address {
    /// From the address of either API, or of the host alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what is expected.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut api = parse_url(text, "expected something like http://localhost:36789/api/dtmsvr")?;
        if !matches!(api.scheme(), "http" | "https") {
            return Err(wrong("expected something like http://localhost:36789/api/dtmsvr"));
        }
        let path = api.path().trim_end_matches('/').to_owned();
        let folder = match path.rsplit_once('/') {
            None => "/api",
            Some((folder, API | JSON_RPC)) => folder,
            // A proxy may have another name for the API; then there is no telling where JSON-RPC is.
            Some(_) => {
                api.set_path(&path);
                return Ok(Self { json_rpc: api.clone(), api });
            }
        };
        let mut json_rpc = api.clone();
        api.set_path(&format!("{folder}/{API}"));
        json_rpc.set_path(&format!("{folder}/{JSON_RPC}"));
        Ok(Self { api, json_rpc })
    }

    /// The URL of one request of the HTTP API.
    pub(crate) fn request(&self, path: &str) -> Url {
        let mut url = self.api.clone();
        url.set_path(&format!("{}/{path}", self.api.path()));
        url
    }

    /// What branches are told about it, so that they can reach it: without a password.
    pub(crate) fn shown(&self) -> String {
        shown(&self.api)
    }
}

/// A URL without whatever may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // They fail for URLs that have no host, and so no password.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// A URL that has neither query nor fragment.
pub(crate) fn parse_url(text: &str, expected: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| wrong(format!("{error}: {expected}")))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(expected));
    }
    Ok(url)
}

pub(crate) fn wrong(reason: impl Display) -> Error {
    Error::invalid("the server's address", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_end_with_a_slash_or_leave_out_the_path_and_both_apis_are_found() {
        for text in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/api/dtmsvr",
            "http://h:1/api/dtmsvr/",
            "http://h:1/api/json-rpc",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.api.as_str(), "http://h:1/api/dtmsvr", "{text}");
            assert_eq!(address.json_rpc.as_str(), "http://h:1/api/json-rpc", "{text}");
        }
        let behind_proxy = Address::parse("https://h/tm/api/dtmsvr").unwrap();
        assert_eq!(behind_proxy.json_rpc.as_str(), "https://h/tm/api/json-rpc");
        assert_eq!(Address::parse("https://h/dtm/").unwrap().api.as_str(), "https://h/dtm");
    }

    #[test]
    fn what_branches_are_told_has_no_password() {
        // decision 24
        let address = Address::parse("http://user:secret@h:1").unwrap();
        assert_eq!(address.shown(), "http://h:1/api/dtmsvr");
    }
}

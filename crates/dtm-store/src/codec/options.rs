//! Options, in the definition and in the amendment of a state.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dtm_core::model::{Options, Seconds};

use super::document::present;

/// The options of a transaction.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionsDocument<'a> {
    wait_result: bool,
    #[serde(deserialize_with = "present")]
    timeout_to_fail: Option<u32>,
    #[serde(deserialize_with = "present")]
    retry_interval: Option<u32>,
    #[serde(deserialize_with = "present")]
    retry_limit: Option<u32>,
    #[serde(deserialize_with = "present")]
    request_timeout: Option<u32>,
    #[serde(borrow)]
    branch_headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    concurrent: bool,
}

impl<'a> From<&'a Options> for OptionsDocument<'a> {
    fn from(options: &'a Options) -> Self {
        let Options {
            wait_result,
            timeout_to_fail,
            retry_interval,
            retry_limit,
            request_timeout,
            branch_headers,
            concurrent,
        } = options;
        Self {
            wait_result: *wait_result,
            timeout_to_fail: timeout_to_fail.map(Seconds::get),
            retry_interval: retry_interval.map(Seconds::get),
            retry_limit: *retry_limit,
            request_timeout: request_timeout.map(Seconds::get),
            branch_headers: branch_headers.iter().map(|(k, v)| (k.into(), v.into())).collect(),
            concurrent: *concurrent,
        }
    }
}

impl From<OptionsDocument<'_>> for Options {
    fn from(document: OptionsDocument<'_>) -> Self {
        Self {
            wait_result: document.wait_result,
            timeout_to_fail: document.timeout_to_fail.map(Seconds::new),
            retry_interval: document.retry_interval.map(Seconds::new),
            retry_limit: document.retry_limit,
            request_timeout: document.request_timeout.map(Seconds::new),
            branch_headers: document
                .branch_headers
                .into_iter()
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
            concurrent: document.concurrent,
        }
    }
}

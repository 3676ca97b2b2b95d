//! What every mode lets its caller choose.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use dtm_core::model;
use dtm_core::model::Seconds;
use reqwest::header::{HeaderName, HeaderValue};

use crate::Error;

/// The options of one transaction; what is not set is as the server is configured.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) wait_result: bool,
    pub(crate) timeout_to_fail: Option<Duration>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) retry_limit: Option<u32>,
    pub(crate) branch_headers: BTreeMap<String, String>,
    pub(crate) concurrent: bool,
}

impl Options {
    /// The form in which they are sent. Whatever cannot be used is found here, before anything is sent.
    pub(crate) fn checked(&self) -> Result<model::Options, Error> {
        for (name, value) in &self.branch_headers {
            HeaderName::try_from(name.as_str())
                .map_err(|error| Error::invalid("branch_header", format!("{name:?}: {error}")))?;
            HeaderValue::from_str(value)
                .map_err(|error| Error::invalid("branch_header", format!("the value of {name}: {error}")))?;
        }
        Ok(model::Options {
            wait_result: self.wait_result,
            timeout_to_fail: seconds("timeout_to_fail", self.timeout_to_fail)?,
            retry_interval: seconds("retry_interval", self.retry_interval)?,
            retry_limit: self.retry_limit,
            request_timeout: seconds("request_timeout", self.request_timeout)?,
            branch_headers: self.branch_headers.clone(),
            concurrent: self.concurrent,
        })
    }
}

/// Shows the names of the headers only: their values may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("wait_result", &self.wait_result)
            .field("branch_headers", &self.branch_headers.keys())
            .finish_non_exhaustive()
    }
}

/// Whole seconds, rounded up: a short time must not become 0, which means "not set" on the wire.
pub(crate) fn seconds(field: &'static str, time: Option<Duration>) -> Result<Option<Seconds>, Error> {
    let Some(time) = time else { return Ok(None) };
    let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    match u32::try_from(whole) {
        Ok(0) => Err(Error::invalid(field, "it is zero: leave it out for the server's default")),
        Ok(seconds) => Ok(Some(Seconds::new(seconds))),
        Err(_) => Err(Error::invalid(field, format!("{whole} seconds are more than {}", u32::MAX))),
    }
}

/// The options that mean the same in every mode, as methods of its builder, which has a field `options`.
macro_rules! common_options {
    () => {
        /// How long the server waits for the answer to one call of a branch (3 seconds unless its
        /// configuration says otherwise). When it is over, nobody knows whether the branch did it: it is
        /// called again later. Rounded up to whole seconds, like every time here.
        pub const fn request_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options.request_timeout = Some(timeout);
            self
        }

        /// The interval that repetitions begin with (10 seconds unless the server's configuration says
        /// otherwise). It doubles with each failing pass, the first one too: what did not work is tried again
        /// after twice this time, then after four times, and so on.
        pub const fn retry_interval(mut self, interval: std::time::Duration) -> Self {
            self.options.retry_interval = Some(interval);
            self
        }

        /// Sends a header (over gRPC: metadata) with every call to every branch: authorization, a tenant. It
        /// is stored with the transaction.
        pub fn branch_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.branch_headers.insert(name.into(), value.into());
            self
        }

        /// The name of the transaction; `None` until the server has chosen one.
        #[must_use]
        pub fn gid(&self) -> Option<&str> {
            self.gid.get()
        }
    };
}

pub(crate) use common_options;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_up_and_zero_is_refused() {
        let of = |millis| seconds("retry_interval", Some(Duration::from_millis(millis)));
        assert_eq!(of(1).unwrap(), Some(Seconds::new(1)), "never 0, which means not set");
        assert_eq!(of(1_500).unwrap(), Some(Seconds::new(2)));
        assert_eq!(seconds("retry_interval", None).unwrap(), None);
        for wrong in [Duration::ZERO, Duration::MAX] {
            let error = seconds("retry_interval", Some(wrong)).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "retry_interval", .. }), "{error}");
        }
    }

    #[test]
    fn a_header_that_is_none_is_refused_and_its_value_is_not_shown() {
        let with = |name: &str, value: &str| Options {
            branch_headers: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            ..Options::default()
        };
        for options in [with("bad name", "v"), with("x", "secret\nfeed"), with("", "v")] {
            let error = options.checked().unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "branch_header", .. }), "{error}");
            assert!(!format!("{error} {options:?}").contains("secret"), "{error}");
        }
    }
}

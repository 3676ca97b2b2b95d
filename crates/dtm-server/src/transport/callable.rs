//! What can never be called is refused before anything is stored (decision 14): otherwise it would be tried for
//! ever.

use dtm_core::model::{Definition, Mode, Payload, Plan, Protocol, Registration};

use super::discovery::Discovery;
use super::grpc::{GrpcMethod, check_metadata, check_metadata_value};
use super::json_rpc::check_params;
use super::local::{LocalBranches, local_name};
use super::request::check_header;
use super::route::{Dialect, Route};
use super::target::{Target, URL_BYTES_MAX, UrlError};

/// Knows what can be called. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Callable {
    discovery: Discovery,
    local: LocalBranches,
}

/// A transaction or branch that can never be called, and which field of the request is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct NotCallable {
    /// The field as it is spelled in a request, `steps[1].action` for example.
    pub field: String,
    /// What is wrong with it, and what to do. Does not repeat secrets.
    pub problem: String,
}

impl Callable {
    /// What the drivers of `discovery` serve, and what needs none.
    #[must_use]
    pub fn new(discovery: Discovery) -> Self {
        Self { discovery, local: LocalBranches::default() }
    }

    /// The same, with branches in this process.
    #[must_use]
    pub(crate) fn with_local(self, local: LocalBranches) -> Self {
        Self { local, ..self }
    }

    /// Checks that `url` can be called for a transaction of `protocol`. The empty URL is fine: it means that
    /// there is nothing to call (behaviour 54).
    ///
    /// # Errors
    /// [`UrlError`], whose message says what is allowed; it does not repeat the URL.
    pub fn check_url(&self, url: &str, protocol: Protocol) -> Result<(), UrlError> {
        self.dialect(url, protocol).map(|_| ())
    }

    /// Checks that all branches of a transaction, its back-check or its call-back can be called.
    ///
    /// # Errors
    /// [`NotCallable`] naming the first field that cannot work.
    pub fn check_definition(&self, definition: &Definition) -> Result<(), NotCallable> {
        for (name, value) in &definition.options.branch_headers {
            check_header(name, value).map_err(|error| not_callable("branch_headers", &error))?;
        }
        let mode = definition.plan.mode();
        for (index, step) in definition.plan.steps().iter().enumerate() {
            if mode == Mode::Message && step.unexpanded_topic().is_some() {
                continue; // its subscribers are looked at instead
            }
            let payload = (step.payload.clone(), format!("payloads[{index}]"));
            for (url, name) in [(&step.action, "action"), (&step.compensate, "compensate")] {
                self.check(definition, url, &format!("steps[{index}].{name}"), Some(&payload))?;
            }
        }
        if let Plan::Message { query_prepared: url, .. } | Plan::Workflow { callback: url, .. } =
            &definition.plan
        {
            self.check(definition, url, "query_prepared", None)?;
        }
        // the branches of these come later, most of them by the protocol of the transaction
        if matches!(mode, Mode::Tcc | Mode::Xa) && definition.protocol == Protocol::Grpc {
            check_metadata_of(definition)?;
        }
        Ok(())
    }

    /// Checks that a branch that is registered with the transaction `definition` can be called.
    ///
    /// # Errors
    /// [`NotCallable`] naming the first field that cannot work.
    pub fn check_registration(
        &self,
        definition: &Definition,
        registration: &Registration,
    ) -> Result<(), NotCallable> {
        match registration {
            Registration::Tcc { confirm, cancel, data, .. } => {
                let payload = (data.clone(), "data".to_owned());
                self.check(definition, confirm, "confirm", Some(&payload))?;
                self.check(definition, cancel, "cancel", Some(&payload))
            }
            Registration::Xa { url, .. } => self.check(definition, url, "url", None),
            // recorded, never called
            Registration::Workflow { .. } => Ok(()),
        }
    }

    /// Checks that a call of `url`, which comes under the name `field`, can carry what belongs to `definition`
    /// and a payload, which comes with the name of its field.
    ///
    /// # Errors
    /// [`NotCallable`] naming the first field that cannot work.
    pub fn check(
        &self,
        definition: &Definition,
        url: &str,
        field: &str,
        payload: Option<&(Payload, String)>,
    ) -> Result<(), NotCallable> {
        match (self.dialect(url, definition.protocol).map_err(|error| not_callable(field, &error))?, payload)
        {
            (Some(Dialect::Grpc), _) => check_metadata_of(definition),
            // not every payload has room for what JSON-RPC adds (defect B2)
            (Some(Dialect::JsonRpc), Some((payload, field))) => {
                check_params(payload.as_bytes()).map_err(|error| not_callable(field, &error))
            }
            (Some(Dialect::JsonRpc | Dialect::Http) | None, _) => Ok(()),
        }
    }

    /// What is spoken at `url`; `None` where no protocol has anything to say about what is sent.
    fn dialect(&self, url: &str, protocol: Protocol) -> Result<Option<Dialect>, UrlError> {
        if url.is_empty() {
            return Ok(None);
        }
        if url.len() > URL_BYTES_MAX {
            return Err(UrlError::TooLong(url.len()));
        }
        if url.contains(char::is_control) {
            return Err(UrlError::ControlCharacter);
        }
        if let Some(name) = local_name(url) {
            return self.local.check(name).map(|()| None);
        }
        let Route { dialect, service } = Route::of(url, protocol)?;
        match (dialect, &service) {
            (Dialect::Grpc, None) => drop(GrpcMethod::new(url)?),
            (Dialect::Http | Dialect::JsonRpc, None) => drop(Target::new(url, &[])?),
            (Dialect::Grpc, Some(service)) => {
                self.discovery.check(service)?;
                drop(GrpcMethod::of_service(service)?);
            }
            (Dialect::Http | Dialect::JsonRpc, Some(service)) => {
                self.discovery.check(service)?;
                drop(Target::new(&format!("http://{}{}", service.name, service.path), &[])?);
            }
        }
        Ok(Some(dialect))
    }
}

/// What a call over gRPC carries as metadata has to be text that metadata can be.
fn check_metadata_of(definition: &Definition) -> Result<(), NotCallable> {
    if !check_metadata_value(definition.gid.as_str()) {
        let problem = "branches over gRPC get it as metadata: only printable ASCII is possible there";
        return Err(not_callable("gid", &problem));
    }
    for (name, value) in &definition.options.branch_headers {
        check_metadata(name, value).map_err(|error| not_callable("branch_headers", &error))?;
    }
    Ok(())
}

fn not_callable(field: &str, problem: &dyn std::fmt::Display) -> NotCallable {
    NotCallable { field: field.to_owned(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DiscoveryConfig, StaticServices};

    fn callable() -> Callable {
        let services = StaticServices::parse("stock=127.0.0.1:1;pay=127.0.0.1:2").unwrap();
        Callable::new(Discovery::new(&DiscoveryConfig { services, ..DiscoveryConfig::default() }))
    }

    #[test]
    fn only_urls_that_some_protocol_can_call_are_accepted() {
        // decision 14, behaviour 40, 45, 47, 54
        use Protocol::{Grpc, Http, JsonRpc};
        let long = format!("http://h/{}", "x".repeat(URL_BYTES_MAX));
        type Row<'a> = (&'a str, Protocol, fn(&UrlError) -> bool);
        let bad: [Row<'_>; 23] = [
            ("h:36790/busi.Busi/TransIn", Http, |error| *error == UrlError::NoScheme),
            ("local:stock/deduct", Http, |error| matches!(error, UrlError::NoLocalBranch { .. })),
            ("local:stock/deduct", Grpc, |error| matches!(error, UrlError::NoLocalBranch { .. })),
            ("h:36790/busi.Busi", Grpc, |error| *error == UrlError::NoMethod),
            ("h/busi.Busi/TransIn", Grpc, |error| *error == UrlError::GrpcPort),
            ("grpc://h/a", Http, |error| matches!(error, UrlError::NoDriver { .. })),
            ("topic://news", Http, |error| matches!(error, UrlError::NoDriver { .. })),
            ("nacos://h/a.B/C", Grpc, |error| matches!(error, UrlError::NoDriver { .. })),
            ("https+static://stock/a", Http, |error| matches!(error, UrlError::NoDriver { .. })),
            ("static://other/a", Http, |error| matches!(error, UrlError::Service(_))),
            ("static://u@stock/a", Http, |error| matches!(error, UrlError::Service(_))),
            ("static://stock/a", Grpc, |error| *error == UrlError::NoMethod),
            ("dns://h/a", Http, |error| matches!(error, UrlError::Service(_))),
            ("dns://h:0/a.B/C", Grpc, |error| matches!(error, UrlError::Service(_))),
            ("dns+srv:////a", Http, |error| matches!(error, UrlError::Service(_))),
            (" http://h", Http, |error| matches!(error, UrlError::NoDriver { .. })),
            ("http:/h", Http, |error| *error == UrlError::NoScheme),
            ("http://", Http, |error| *error == UrlError::NoHost),
            ("http://:80/a", Http, |error| *error == UrlError::NoHost),
            ("http://h:99999/a", Http, |error| *error == UrlError::Port),
            ("http://h/a\nb", Http, |error| *error == UrlError::ControlCharacter),
            ("http://a b/c", Http, |error| matches!(error, UrlError::Malformed(_))),
            (&long, Http, |error| matches!(error, UrlError::TooLong(_))),
        ];
        let callable = callable();
        for (url, protocol, expected) in bad {
            let error = callable.check_url(url, protocol).unwrap_err();
            assert!(expected(&error), "{url}: {error:?}");
        }
        for (url, protocol) in [
            ("", Http),
            ("http://h", Grpc),
            ("https://h:8443/a?b=c", Http),
            ("http://h/rpc?method=a", Http),
            ("http://h/rpc?method=a", JsonRpc),
            ("http://user:secret@h/a", Http),
            ("h:36790/busi.Busi/TransIn", Grpc),
            ("local:36790/busi.Busi/TransIn", Grpc),
            ("static://stock/a?b=c", Http),
            ("STATIC://Stock", JsonRpc),
            ("static://stock/busi.Busi/TransIn", Grpc),
            ("grpc+static://pay/busi.Busi/TransIn", Http),
            ("dns:///h:50051/busi.Busi/TransIn", Grpc),
            ("http+dns+srv://_http._tcp.stock.example/a", Grpc),
        ] {
            assert_eq!(callable.check_url(url, protocol), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_refused_url_says_what_is_served() {
        let callable = callable();
        let error = callable.check_url("nacos://stock/a", Protocol::Http).unwrap_err().to_string();
        for word in
            ["nacos://", "http://", "https://", "static://", "dns://", "dns+srv://", "host:port/package"]
        {
            assert!(error.contains(word), "{word}: {error}");
        }
        let error = callable.check_url("static://other/a", Protocol::Http).unwrap_err().to_string();
        assert!(error.contains("pay, stock"), "{error}");
    }
}

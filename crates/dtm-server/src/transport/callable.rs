//! What can never be called is refused before anything is stored (decision 14): otherwise it would be tried for
//! ever.

use dtm_core::model::{Definition, Mode, Payload, Plan, Protocol, Registration};

use super::grpc::{check_metadata, check_metadata_value};
use super::json_rpc::check_params;
use super::request::check_header;
use super::route::Route;
use super::target::check_url;

/// A transaction or branch that can never be called, and which field of the request is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct NotCallable {
    /// The field as it is spelled in a request, `steps[1].action` for example.
    pub field: String,
    /// What is wrong with it, and what to do. Does not repeat secrets.
    pub problem: String,
}

/// Checks that all branches of a transaction, its back-check or its call-back can be called.
///
/// # Errors
/// [`NotCallable`] naming the first field that cannot work.
pub fn check_definition(definition: &Definition) -> Result<(), NotCallable> {
    let protocol = definition.protocol;
    // the branches of these come later, most of them by the protocol of the transaction
    let later = matches!(definition.plan.mode(), Mode::Tcc | Mode::Xa);
    let mut grpc = later && protocol == Protocol::Grpc;
    let is_message = definition.plan.mode() == Mode::Message;
    for (index, step) in definition.plan.steps().iter().enumerate() {
        if is_message && step.unexpanded_topic().is_some() {
            continue; // its subscribers are looked at instead
        }
        grpc |= check(&step.action, protocol, &|| format!("steps[{index}].action"))?;
        grpc |= check(&step.compensate, protocol, &|| format!("steps[{index}].compensate"))?;
        for url in [&step.action, &step.compensate] {
            check_payload(url, protocol, &step.payload, &|| format!("payloads[{index}]"))?;
        }
    }
    if let Plan::Message { query_prepared: url, .. } | Plan::Workflow { callback: url, .. } = &definition.plan
    {
        grpc |= check(url, protocol, &|| "query_prepared".to_owned())?;
    }
    for (name, value) in &definition.options.branch_headers {
        check_header(name, value).map_err(|error| not_callable("branch_headers", &error))?;
    }
    if grpc { check_for_grpc(definition) } else { Ok(()) }
}

/// Checks that a branch that is registered with the transaction `definition` can be called.
///
/// # Errors
/// [`NotCallable`] naming the first field that cannot work.
pub fn check_registration(definition: &Definition, registration: &Registration) -> Result<(), NotCallable> {
    let protocol = definition.protocol;
    let grpc = match registration {
        Registration::Tcc { confirm, cancel, data, .. } => {
            for url in [confirm, cancel] {
                check_payload(url, protocol, data, &|| "data".to_owned())?;
            }
            check(confirm, protocol, &|| "confirm".to_owned())?
                | check(cancel, protocol, &|| "cancel".to_owned())?
        }
        Registration::Xa { url, .. } => check(url, protocol, &|| "url".to_owned())?,
        // recorded, never called
        Registration::Workflow { .. } => false,
    };
    if grpc { check_for_grpc(definition) } else { Ok(()) }
}

/// Not every payload has room for what JSON-RPC adds (defect B2).
fn check_payload(
    url: &str,
    protocol: Protocol,
    payload: &Payload,
    field: &dyn Fn() -> String,
) -> Result<(), NotCallable> {
    if Route::of(url, protocol) == Ok(Route::JsonRpc) {
        check_params(payload.as_bytes()).map_err(|error| not_callable(field(), &error))?;
    }
    Ok(())
}

/// Whether `url` goes over gRPC.
fn check(url: &str, protocol: Protocol, field: &dyn Fn() -> String) -> Result<bool, NotCallable> {
    check_url(url, protocol).map_err(|error| not_callable(field(), &error))?;
    Ok(!url.is_empty() && Route::of(url, protocol) == Ok(Route::Grpc))
}

/// What a call over gRPC carries as metadata has to be text that metadata can be.
fn check_for_grpc(definition: &Definition) -> Result<(), NotCallable> {
    if !check_metadata_value(definition.gid.as_str()) {
        let problem = "branches over gRPC get it as metadata: only printable ASCII is possible there";
        return Err(not_callable("gid", &problem));
    }
    for (name, value) in &definition.options.branch_headers {
        check_metadata(name, value).map_err(|error| not_callable("branch_headers", &error))?;
    }
    Ok(())
}

fn not_callable(field: impl Into<String>, problem: &dyn std::fmt::Display) -> NotCallable {
    NotCallable { field: field.into(), problem: problem.to_string() }
}

//! A request as a protobuf message.

use std::collections::BTreeMap;

use dtm_core::model::{Registration, Seconds};
use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTransOptions};
use dtm_proto::http::StepBody;

use super::super::request::Request;
use crate::Error;

/// The message of prepare, submit and abort (behaviour 44).
///
/// # Errors
/// [`Error::Invalid`] for what gRPC has no field for.
pub(super) fn transaction_message(request: &Request<'_>) -> Result<DtmRequest, Error> {
    let options = &request.options;
    if options.concurrent {
        return Err(Error::invalid("concurrent", "a message has no such field over gRPC"));
    }
    let steps: Vec<StepBody<'_>> = request
        .steps
        .iter()
        .map(|step| StepBody { action: step.action, compensate: step.compensate, payload: "" })
        .collect();
    let steps = match steps.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&steps).map_err(|error| Error::invalid("steps", error))?,
    };
    let number = |time: Option<Seconds>| time.map_or(0, |seconds| i64::from(seconds.get()));
    Ok(DtmRequest {
        gid: request.gid.to_owned(),
        trans_type: request.mode.as_str().to_owned(),
        trans_options: Some(DtmTransOptions {
            wait_result: options.wait_result,
            timeout_to_fail: number(options.timeout_to_fail),
            retry_interval: number(options.retry_interval),
            branch_headers: options.branch_headers.clone(),
            request_timeout: number(options.request_timeout),
            retry_limit: options.retry_limit.map_or(0, i64::from),
        }),
        customed_data: request.custom_data.clone(),
        bin_payloads: request.steps.iter().map(|step| step.payload.as_bytes().to_vec()).collect(),
        query_prepared: request.query_prepared.to_owned(),
        steps,
        req_extra: request.end.as_ref().map_or_else(BTreeMap::new, |end| {
            let status = if end.succeeded { "succeed" } else { "failed" };
            let pairs = [("status", status), ("rollback_reason", &end.reason), ("result", &end.result)];
            owned(&pairs)
        }),
        rollback_reason: request.rollback_reason.to_owned(),
    })
}

/// The message of registerBranch.
pub(super) fn branch_message(gid: &str, registration: &Registration) -> DtmBranchRequest {
    let (trans_type, pairs, data): (_, Vec<(&str, &str)>, _) = match registration {
        Registration::Tcc { confirm, cancel, data, .. } => {
            ("tcc", vec![("confirm", confirm), ("cancel", cancel)], data)
        }
        Registration::Xa { url, data, .. } => ("xa", vec![("url", url)], data),
        Registration::Workflow { op, status, data, .. } => {
            ("workflow", vec![("op", op.as_str()), ("status", status.as_str())], data)
        }
    };
    DtmBranchRequest {
        gid: gid.to_owned(),
        trans_type: trans_type.to_owned(),
        branch_id: registration.branch_id().as_str().to_owned(),
        op: String::new(),
        data: owned(&pairs),
        busi_payload: data.as_bytes().to_vec(),
    }
}

fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use dtm_core::model::{BranchId, Mode, WorkflowEnd};
    use dtm_proto::http::{RegisterRequest, RequestLimits, TransactionRequest};

    use super::super::super::request::RequestStep;
    use super::*;
    use crate::Payload;

    #[test]
    fn what_our_client_sends_is_what_our_server_reads() {
        // behaviour 44
        let payload = Payload::bytes([0xff, 0]);
        let step = RequestStep { action: "h:1/s.S/A", compensate: "h:1/s.S/C", payload: &payload };
        let request = Request { steps: vec![step], ..Request::new("g", Mode::Saga) };
        let read = TransactionRequest::try_from(transaction_message(&request).unwrap()).unwrap();
        assert_eq!((&*read.steps[0].action, &*read.steps[0].compensate), ("h:1/s.S/A", "h:1/s.S/C"));
        assert_eq!(read.payloads[0].as_bytes(), [0xff, 0]);

        let end = WorkflowEnd { succeeded: false, reason: "no".to_owned(), result: String::new() };
        let request = Request { end: Some(end.clone()), ..Request::new("g", Mode::Workflow) };
        let read = TransactionRequest::try_from(transaction_message(&request).unwrap()).unwrap();
        assert_eq!(read.workflow_end().unwrap(), end);
    }

    #[test]
    fn what_our_client_registers_is_what_our_server_reads() {
        // behaviour 44
        let registration = Registration::Tcc {
            branch_id: BranchId::parse("01").unwrap(),
            confirm: "h:1/s.S/Confirm".into(),
            cancel: "h:1/s.S/Cancel".into(),
            data: [0xff].as_slice().into(),
        };
        let read = RegisterRequest::from(branch_message("g", &registration));
        assert_eq!(read.registration(&RequestLimits::default()).unwrap(), registration);
    }
}

//! From a message to the request that all protocols share.

use dtm_core::model::{Payload, Protocol};

use super::dtmgimp::{DtmRequest, DtmTransOptions};
use crate::http::{DecodeError, StepRequest, TransactionRequest};

impl TryFrom<DtmRequest> for TransactionRequest {
    type Error = DecodeError;

    /// Behaviour 44: `Steps` is JSON text, everything else is carried over. The gid is not stripped (behaviour 9).
    fn try_from(message: DtmRequest) -> Result<Self, DecodeError> {
        let steps = StepRequest::decode_list("Steps", &message.steps)?;
        let options = message.trans_options.unwrap_or_default();
        let DtmTransOptions {
            wait_result,
            timeout_to_fail,
            retry_interval,
            branch_headers,
            request_timeout,
            retry_limit,
        } = options;
        Ok(Self {
            gid: message.gid,
            trans_type: message.trans_type,
            steps,
            payloads: message.bin_payloads.into_iter().map(Payload::from).collect(),
            query_prepared: message.query_prepared.into(),
            protocol: Protocol::Grpc.as_str().to_owned(),
            custom_data: message.customed_data,
            wait_result,
            timeout_to_fail,
            request_timeout,
            retry_interval,
            retry_limit,
            branch_headers,
            passthrough_headers: Vec::new(),
            concurrent: false,
            rollback_reason: message.rollback_reason,
            req_extra: message.req_extra,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(steps: &str) -> DtmRequest {
        DtmRequest { gid: "a;b".to_owned(), steps: steps.to_owned(), ..DtmRequest::default() }
    }

    #[test]
    fn steps_may_be_nothing_or_null_and_the_gid_is_taken_as_it_is() {
        // behaviour 9, 44
        for steps in ["", "  ", "null", " null ", "[]"] {
            let request = TransactionRequest::try_from(message(steps)).unwrap();
            assert!(request.steps.is_empty(), "{steps}");
            assert_eq!((request.gid.as_str(), request.protocol.as_str()), ("a;b", "grpc"));
        }
    }

    #[test]
    fn steps_are_read_as_in_http() {
        let text = r#"[{"action":"h:1/s/A","compensate":"h:1/s/C","more":1},{"Action":"http://b"},null]"#;
        let steps = TransactionRequest::try_from(message(text)).unwrap().steps;
        let urls: Vec<_> = steps.iter().map(|step| (&*step.action, &*step.compensate)).collect();
        assert_eq!(urls, [("h:1/s/A", "h:1/s/C"), ("http://b", ""), ("", "")]);
    }

    #[test]
    fn steps_that_are_no_such_list_are_refused_by_name() {
        for (steps, words) in [
            ("{", "Steps is not usable JSON"),
            ("[", "Steps is not usable JSON"),
            ("[] more", "Steps is not usable JSON"),
            ("{}", "Steps must be a list or null, but is an object"),
            ("\"text\"", "Steps must be a list"),
            ("[1]", "Steps[0] must be an object"),
            (r#"[{"action":1}]"#, "Steps[0].action must be a string"),
            (r#"[{},{"compensate":["a"]}]"#, "Steps[1].compensate must be a string"),
        ] {
            let error = TransactionRequest::try_from(message(steps)).unwrap_err().to_string();
            assert!(error.contains(words), "{steps}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        TransactionRequest::try_from(message(&deep)).unwrap_err();
    }
}

//! A request about a transaction, before it has the form of a protocol.

use dtm_core::model::{self, Mode, Options, Protocol, Seconds, WorkflowEnd};
use dtm_proto::http::{StepBody, StepRequest, SubmitBody, TransactionRequest, workflow_extra};

use crate::{Error, Payload};

/// What can be asked about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Prepare,
    Submit,
    Abort,
}

/// A transaction as it is prepared, submitted or aborted.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) gid: &'a str,
    pub(crate) mode: Mode,
    pub(crate) steps: Vec<RequestStep<'a>>,
    pub(crate) custom_data: String,
    pub(crate) query_prepared: &'a str,
    pub(crate) options: Options,
    pub(crate) rollback_reason: &'a str,
    pub(crate) end: Option<WorkflowEnd>,
}

/// One step of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestStep<'a> {
    pub(crate) action: &'a str,
    pub(crate) compensate: &'a str,
    pub(crate) payload: &'a Payload,
}

/// How long the answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The server answers at once.
    Usual,
    /// The server answers when the branches have been called.
    Waiting,
}

impl Verb {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Submit => "submit",
            Self::Abort => "abort",
        }
    }
}

impl<'a> Request<'a> {
    /// A request without steps and without options.
    pub(crate) fn new(gid: &'a str, mode: Mode) -> Self {
        Self {
            gid,
            mode,
            steps: Vec::new(),
            custom_data: String::new(),
            query_prepared: "",
            options: Options::default(),
            rollback_reason: "",
            end: None,
        }
    }

    /// How long the answer may take. Nothing is called by a prepare.
    pub(crate) const fn patience(&self, verb: Verb) -> Patience {
        match verb {
            Verb::Submit | Verb::Abort if self.options.wait_result => Patience::Waiting,
            Verb::Submit | Verb::Abort | Verb::Prepare => Patience::Usual,
        }
    }

    /// The request as a coordinator in this process takes it: what the body over HTTP would be read as.
    pub(crate) fn in_process(&self) -> TransactionRequest {
        let seconds = |time: Option<Seconds>| time.map_or(0, |time| time.get().into());
        let options = &self.options;
        TransactionRequest {
            steps: self.steps.iter().map(RequestStep::in_process).collect(),
            payloads: self.steps.iter().map(|step| step.payload.as_bytes().into()).collect(),
            query_prepared: self.query_prepared.into(),
            custom_data: self.custom_data.clone(),
            wait_result: options.wait_result,
            timeout_to_fail: seconds(options.timeout_to_fail),
            request_timeout: seconds(options.request_timeout),
            retry_interval: seconds(options.retry_interval),
            retry_limit: options.retry_limit.map_or(0, i64::from),
            branch_headers: options.branch_headers.clone(),
            concurrent: options.concurrent,
            rollback_reason: self.rollback_reason.to_owned(),
            req_extra: self.end.as_ref().map(workflow_extra).unwrap_or_default(),
            ..TransactionRequest::new(self.gid, self.mode)
        }
    }

    /// The body over HTTP and JSON-RPC.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a payload is no text.
    pub(crate) fn encode(&self, protocol: Protocol) -> Result<Vec<u8>, Error> {
        let step = |step: &RequestStep<'a>| {
            let payload = step.payload.as_text().ok_or_else(|| Error::Invalid {
                field: "payload",
                reason: format!(
                    "that of the step {} has bytes that are no text: only Client::grpc can send it",
                    step.action
                ),
            })?;
            Ok(StepBody { action: step.action, compensate: step.compensate, payload })
        };
        let body = SubmitBody {
            gid: self.gid,
            mode: self.mode,
            steps: self.steps.iter().map(step).collect::<Result<_, Error>>()?,
            custom_data: &self.custom_data,
            query_prepared: self.query_prepared,
            options: &self.options,
            protocol,
            rollback_reason: self.rollback_reason,
            end: self.end.as_ref(),
        };
        Ok(body.encode())
    }
}

impl RequestStep<'_> {
    fn in_process(&self) -> StepRequest {
        let (action, compensate) = (self.action.into(), self.compensate.into());
        StepRequest { action, compensate, data: model::Payload::empty() }
    }
}

//! From a request that was read to a definition that can be stored.

use std::sync::Arc;

use dtm_core::coordinator::Refusal;
use dtm_core::model::{Definition, Mode, Options, Payload, Plan, Protocol, Step, Timestamp, WorkflowEnd};

use super::custom_data::{base64, message_delay, saga_ordering, workflow_input};
use super::headers::check_headers;
use super::limits::RequestLimits;
use super::request_error::{RequestError, word};
use super::seconds::{count, seconds};
use super::transaction_request::TransactionRequest;
use super::url::check_url;

impl TransactionRequest {
    /// The definition that this request asks for, as of `now`. Topics in its steps are not expanded yet.
    ///
    /// The work and memory are linear in the size of the body: limits are checked before anything is built.
    ///
    /// # Errors
    /// [`RequestError`] naming the field and what is allowed.
    pub fn definition(&self, now: Timestamp, limits: &RequestLimits) -> Result<Definition, RequestError> {
        let gid = self.gid()?;
        let mode = self.mode()?;
        let protocol = Protocol::parse(word(&self.protocol))?;
        let options = self.options(limits)?;
        let bytes = self.custom_data.len();
        if bytes > limits.custom_data_bytes_max {
            return Err(RequestError::TooLarge {
                field: "custom_data".to_owned(),
                bytes,
                limit: limits.custom_data_bytes_max,
                setting: "MaxCustomDataBytes",
            });
        }
        let plan = self.plan(mode, limits)?;
        Ok(Definition {
            gid,
            protocol,
            plan,
            options,
            custom_data: self.custom_data.clone(),
            created_at: now,
        })
    }

    /// How a workflow ended, as `req_extra` says (behaviour 96). Ask only when a workflow is submitted.
    ///
    /// # Errors
    /// [`RequestError`] when `req_extra.status` is missing or not one of the known ones, or when
    /// `req_extra.result` is not base64: its client could not read it back.
    pub fn workflow_end(&self) -> Result<WorkflowEnd, RequestError> {
        let extra = |name: &str| self.req_extra.get(name).cloned().unwrap_or_default();
        let succeeded = match extra("status").as_str() {
            "succeed" => true,
            "failed" => false,
            _ => return Err(RequestError::field("req_extra.status", "must be succeed or failed")),
        };
        let result = extra("result");
        base64("req_extra.result", &result)?;
        Ok(WorkflowEnd { succeeded, reason: extra("rollback_reason"), result })
    }

    fn options(&self, limits: &RequestLimits) -> Result<Options, RequestError> {
        check_headers(&self.branch_headers, limits)?;
        Ok(Options {
            wait_result: self.wait_result,
            timeout_to_fail: seconds("timeout_to_fail", self.timeout_to_fail)?,
            retry_interval: seconds("retry_interval", self.retry_interval)?,
            retry_limit: count("retry_limit", self.retry_limit)?,
            request_timeout: seconds("request_timeout", self.request_timeout)?,
            branch_headers: self.branch_headers.clone(),
            concurrent: self.concurrent,
        })
    }

    fn plan(&self, mode: Mode, limits: &RequestLimits) -> Result<Plan, RequestError> {
        let query_prepared = || {
            check_url(|| "query_prepared".to_owned(), &self.query_prepared, limits)?;
            Ok::<_, RequestError>(Arc::clone(&self.query_prepared))
        };
        Ok(match mode {
            Mode::Saga => {
                let steps = self.plan_steps(limits)?;
                let ordering = saga_ordering(&self.custom_data, steps.len(), limits)?;
                Plan::Saga { steps, ordering }
            }
            Mode::Message => Plan::Message {
                steps: self.plan_steps(limits)?,
                query_prepared: query_prepared()?,
                delay: message_delay(&self.custom_data)?,
            },
            Mode::Tcc => Plan::Tcc,
            Mode::Xa => Plan::Xa,
            Mode::Workflow => {
                let (name, data) = workflow_input(&self.custom_data)?;
                Plan::Workflow { callback: query_prepared()?, name: name.into(), data }
            }
        })
    }

    fn plan_steps(&self, limits: &RequestLimits) -> Result<Vec<Step>, RequestError> {
        let found = self.steps.len();
        if found > limits.branches_max {
            return Err(Refusal::TooManyBranches { found, limit: limits.branches_max }.into());
        }
        let payloads = self.step_payloads()?;
        for (index, step) in self.steps.iter().enumerate() {
            check_url(|| format!("steps[{index}].action"), &step.action, limits)?;
            check_url(|| format!("steps[{index}].compensate"), &step.compensate, limits)?;
        }
        let steps = self.steps.iter().zip(payloads).map(|(step, payload)| Step {
            action: Arc::clone(&step.action),
            compensate: Arc::clone(&step.compensate),
            payload: payload.clone(),
            branch_id: None,
            subscription: None,
        });
        Ok(steps.collect())
    }

    /// A request with both kinds of payloads may not leave open which of them counts.
    fn check_data_repeats_payloads(&self) -> Result<(), RequestError> {
        let mut both = self.steps.iter().zip(&self.payloads).enumerate();
        match both.find(|(_, (step, payload))| !step.data.is_empty() && step.data != **payload) {
            None => Ok(()),
            Some((index, _)) => {
                let problem = format!("is another text than payloads[{index}]: send one of them");
                Err(RequestError::field(format!("steps[{index}].data"), problem))
            }
        }
    }

    /// One payload per step: `payloads`, or `steps[].data` as old clients send it (behaviour 51, 52).
    fn step_payloads(&self) -> Result<Vec<&Payload>, RequestError> {
        let payloads: Vec<&Payload> = if self.payloads.is_empty() {
            self.steps.iter().map(|step| &step.data).filter(|data| !data.is_empty()).collect()
        } else {
            self.check_data_repeats_payloads()?;
            self.payloads.iter().collect()
        };
        if payloads.len() != self.steps.len() {
            return Err(RequestError::PayloadCount { payloads: payloads.len(), steps: self.steps.len() });
        }
        Ok(payloads)
    }
}

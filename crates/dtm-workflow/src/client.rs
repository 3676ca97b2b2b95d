//! The server, behind `dtm_client`.

use async_trait::async_trait;
use dtm_client::workflow::{self, Preparation, Progress, Stored};
use dtm_client::{BranchStatus, Client, Error};

use crate::model::{Row, StepEnd};
use crate::server::{End, Server, Standing, Start, Step};

#[async_trait]
impl Server for Client {
    async fn prepare(&self, start: &Start<'_>) -> Result<Standing, Error> {
        let Start { gid, name, input, callback, options } = *start;
        let mut preparation = Preparation::new(gid, name, callback).input(input);
        if let Some(interval) = options.retry_interval {
            preparation = preparation.retry_interval(interval);
        }
        if let Some(timeout) = options.request_timeout {
            preparation = preparation.request_timeout(timeout);
        }
        for (name, value) in &options.headers {
            preparation = preparation.branch_header(name, value);
        }
        let Stored { status, rollback_reason, result, progresses, .. } =
            self.prepare_workflow(&preparation).await?;
        let row =
            |Progress { branch_id, op, status, data, .. }: Progress| Row { branch_id, op, status, data };
        let reason = rollback_reason.unwrap_or_else(|| "the server does not tell the reason".to_owned());
        Ok(Standing { status, reason, result, rows: progresses.into_iter().map(row).collect() })
    }

    async fn record(&self, gid: &str, step: &Step<'_>) -> Result<(), Error> {
        let (status, data) = match step.end {
            StepEnd::Succeeded(data) => (BranchStatus::Succeed, data),
            StepEnd::Refused(data) => (BranchStatus::Failed, data),
        };
        let progress = Progress::new(step.branch.to_string(), step.op, status, data.as_slice());
        self.register_progress(gid, &progress).await
    }

    async fn end(&self, gid: &str, end: End<'_>) -> Result<(), Error> {
        let end = match end {
            End::Succeeded { result } => workflow::End::Succeed { result: result.to_owned() },
            End::Failed { reason } => workflow::End::Failed { reason: reason.to_owned() },
        };
        self.submit_workflow(gid, &end).await
    }
}

//! What an engine of workflows needs of the server; `dtm-workflow` is one.
//!
//! A workflow is prepared first, which also tells what an earlier execution has already done. Then its steps
//! are run, and each is registered when it has ended; a step that is registered is never run again. At last the
//! end is submitted. In between anything may crash: the server calls the callback, which prepares again.
//!
//! ```no_run
//! use dtm_client::workflow::{End, Preparation, Progress};
//! use dtm_client::{BranchStatus, Client, Op, Status};
//!
//! # async fn example(client: Client) -> Result<(), dtm_client::Error> {
//! let preparation = Preparation::new("transfer-7", "transfer", "http://bank/workflow").input(*b"{}");
//! let stored = client.prepare_workflow(&preparation).await?;
//! if stored.status == Status::Prepared && stored.progresses.is_empty() {
//!     // ... run the step ...
//!     let done = Progress::new("01", Op::Action, BranchStatus::Succeed, *b"result");
//!     client.register_progress("transfer-7", &done).await?;
//! }
//! client.submit_workflow("transfer-7", &End::Succeed { result: b"receipt".to_vec() }).await?;
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dtm_core::model;
use dtm_core::model::{BranchId, BranchStatus, Mode, Op, Registration, Status, WorkflowEnd};
use dtm_proto::http::{workflow_custom_data, workflow_result};

use crate::options::Options;
use crate::protocol::{Answered, Progresses, Request, Verb, Verdict};
use crate::settle::settle_prepare;
use crate::{Client, Error, gid};

/// A workflow as it is prepared.
#[must_use = "nothing is sent before Client::prepare_workflow"]
pub struct Preparation {
    gid: String,
    name: String,
    callback: String,
    input: Vec<u8>,
    options: Options,
}

/// A workflow as the server has stored it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// `Prepared` while it runs, then `Succeed` or `Failed`.
    pub status: Status,
    /// Why it is rolled back, when it is.
    pub rollback_reason: Option<String>,
    /// What it returned, when it succeeded; empty when that is not known.
    pub result: Vec<u8>,
    /// The steps that have ended, in the order of their registration.
    pub progresses: Vec<Progress>,
}

/// A step that has ended.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// `01`, `02`, ... in the order of the steps.
    pub branch_id: String,
    /// Which phase of the step it is.
    pub op: Op,
    /// How it ended.
    pub status: BranchStatus,
    /// What it returned.
    pub data: Vec<u8>,
}

/// How a workflow ended.
#[derive(Clone, PartialEq, Eq)]
pub enum End {
    /// Everything is done.
    Succeed {
        /// What it returned.
        result: Vec<u8>,
    },
    /// Everything is undone.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Preparation {
    /// A workflow without input: its name among all transactions, the name of its function, and the URL that
    /// the server calls when it has not ended in time.
    pub fn new(gid: impl Into<String>, name: impl Into<String>, callback: impl Into<String>) -> Self {
        Self {
            gid: gid.into(),
            name: name.into(),
            callback: callback.into(),
            input: Vec::new(),
            options: Options::default(),
        }
    }

    /// The input of the function, which every callback carries.
    pub fn input(self, input: impl Into<Vec<u8>>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// The time until the first callback (10 seconds unless the server's configuration says otherwise).
    pub const fn retry_interval(mut self, interval: Duration) -> Self {
        self.options.retry_interval = Some(interval);
        self
    }

    /// How long the server waits for the answer to a callback.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = Some(timeout);
        self
    }

    /// Sends a header with every callback.
    pub fn branch_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.branch_headers.insert(name.into(), value.into());
        self
    }
}

impl Client {
    /// Prepares a workflow; when it is there already, tells what it has come to. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error::Invalid`] before anything is sent, [`Error::Refused`] when the gid belongs to something else,
    /// [`Error::NoAnswer`] when nobody knows: nothing has been run then, ask again.
    pub async fn prepare_workflow(&self, preparation: &Preparation) -> Result<Stored, Error> {
        let Preparation { gid, name, callback, input, options } = preparation;
        gid::check(gid)?;
        if name.is_empty() {
            return Err(Error::invalid("name", "a workflow without a name cannot be found again"));
        }
        let request = Request {
            query_prepared: callback,
            custom_data: workflow_custom_data(name, input),
            options: options.checked()?,
            ..Request::new(gid, Mode::Workflow)
        };
        let verdict = match self.server.prepare_workflow(&request).await? {
            Answered::Value(stored) => return Ok(stored),
            Answered::Not(verdict) => verdict,
        };
        settle_prepare(self, gid, verdict).await?;
        let cause = "an answer without a transaction".to_owned();
        Err(Error::NoAnswer { request: format!("prepare of {gid}"), cause })
    }

    /// Registers a step that has ended. The server takes each step once: the second of two executions that run
    /// at the same time gets an error, and so does a repetition after a lost answer. Whoever gets one prepares
    /// again, and sees what is there.
    ///
    /// # Errors
    /// [`Error::Refused`] when the workflow has ended or is not known, [`Error::Unknown`] when the step may or
    /// may not be registered, by this call or by another one.
    pub async fn register_progress(&self, gid: &str, progress: &Progress) -> Result<(), Error> {
        gid::check(gid)?;
        let Progress { branch_id, op, status, data } = progress;
        let registration = Registration::Workflow {
            branch_id: BranchId::parse(branch_id).map_err(|error| Error::invalid("branch_id", error))?,
            op: *op,
            status: *status,
            data: data.as_slice().into(),
        };
        let verdict = self.server.register(gid, &registration).await;
        taken(gid, verdict, &format!("registerBranch {branch_id}"))
    }

    /// Submits the end of a workflow.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the server may or may not have it, also when another execution was faster (the
    /// server answers that like an error of its own): prepare again, and see.
    pub async fn submit_workflow(&self, gid: &str, end: &End) -> Result<(), Error> {
        gid::check(gid)?;
        let end = match end {
            End::Succeed { result } => {
                WorkflowEnd { succeeded: true, reason: String::new(), result: workflow_result(result) }
            }
            End::Failed { reason } => {
                WorkflowEnd { succeeded: false, reason: reason.clone(), result: String::new() }
            }
        };
        let request = Request { end: Some(end), ..Request::new(gid, Mode::Workflow) };
        let verdict = self.server.transaction(Verb::Submit, &request).await?;
        taken(gid, verdict, "submit")
    }
}

/// Whether the server has taken what it was told about a workflow.
fn taken(gid: &str, verdict: Verdict, told: &str) -> Result<(), Error> {
    match verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Stands { status, .. } => Err(Error::StillRunning { gid: gid.to_owned(), status }),
        Verdict::Conflict { code, message } | Verdict::Refused { code, message } => {
            Err(Error::Refused { request: format!("{told} of {gid}"), code, message })
        }
        Verdict::Unclear { cause } => Err(Error::Unknown { gid: gid.to_owned(), cause }),
    }
}

impl Stored {
    /// From the answer of the HTTP API. A word that is not known is an error: no default is invented for it.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, String> {
        let Progresses { transaction, progresses } =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let progress = |progress: crate::protocol::Progress| {
            read_progress(
                progress.branch_id,
                &progress.op,
                &progress.status,
                decoded(progress.bin_data.as_deref())?,
            )
        };
        Ok(Self {
            status: Status::parse(&transaction.status).map_err(|error| error.to_string())?,
            rollback_reason: transaction.rollback_reason.filter(|reason| !reason.is_empty()),
            result: decoded(transaction.result.as_deref())?,
            progresses: progresses.into_iter().flatten().map(progress).collect::<Result<_, _>>()?,
        })
    }

    /// From what a coordinator in this process has stored.
    pub(crate) fn of(stored: &model::Transaction) -> Result<Self, String> {
        let progress = |row: model::BranchRow<'_>| Progress {
            branch_id: row.branch_id.to_string(),
            op: row.op,
            status: row.progress.status,
            data: row.payload.as_bytes().to_vec(),
        };
        Ok(Self {
            status: stored.status(),
            rollback_reason: stored.state.reason.clone().filter(|reason| !reason.is_empty()),
            result: decoded(stored.state.result.as_deref())?,
            progresses: model::rows(stored).into_iter().map(progress).collect(),
        })
    }

    /// From the answer of the gRPC API.
    #[cfg(feature = "grpc")]
    pub(crate) fn from_message(
        message: dtm_proto::grpc::dtmgimp::DtmProgressesReply,
    ) -> Result<Self, String> {
        let transaction = message.transaction.ok_or("there is no transaction in it")?;
        let progress = |progress: dtm_proto::grpc::dtmgimp::DtmProgress| {
            read_progress(progress.branch_id, &progress.op, &progress.status, progress.bin_data)
        };
        Ok(Self {
            status: Status::parse(&transaction.status).map_err(|error| error.to_string())?,
            rollback_reason: Some(transaction.rollback_reason).filter(|reason| !reason.is_empty()),
            result: decoded(Some(&transaction.result))?,
            progresses: message.progresses.into_iter().map(progress).collect::<Result<_, _>>()?,
        })
    }
}

/// An answer that cannot be read is none.
impl From<Result<Stored, String>> for Answered<Stored> {
    fn from(read: Result<Stored, String>) -> Self {
        match read {
            Ok(stored) => Self::Value(stored),
            Err(cause) => Self::Not(Verdict::Unclear { cause: format!("unreadable answer: {cause}") }),
        }
    }
}

fn read_progress(branch_id: String, op: &str, status: &str, data: Vec<u8>) -> Result<Progress, String> {
    Ok(Progress {
        branch_id,
        op: Op::parse(op).map_err(|error| error.to_string())?,
        status: BranchStatus::parse(status).map_err(|error| error.to_string())?,
        data,
    })
}

fn decoded(base64: Option<&str>) -> Result<Vec<u8>, String> {
    STANDARD.decode(base64.unwrap_or("")).map_err(|error| format!("no base64: {error}"))
}

impl Progress {
    /// A step that has ended.
    pub fn new(branch_id: impl Into<String>, op: Op, status: BranchStatus, data: impl Into<Vec<u8>>) -> Self {
        Self { branch_id: branch_id.into(), op, status, data: data.into() }
    }
}

/// Shows the length of the input only.
impl std::fmt::Debug for Preparation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gid, name, input, .. } = self;
        write!(f, "Preparation({gid}, {name}, {} bytes)", input.len())
    }
}

/// Shows the length of the data only.
impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { branch_id, op, status, data } = self;
        write!(f, "Progress({branch_id} {} {}, {} bytes)", op.as_str(), status.as_str(), data.len())
    }
}

/// Shows the length of the result only.
impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored")
            .field("status", &self.status)
            .field("progresses", &self.progresses)
            .field("result", &format_args!("{} bytes", self.result.len()))
            .finish_non_exhaustive()
    }
}

/// Shows the length of the result only.
impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Succeed { result } => write!(f, "Succeed({} bytes)", result.len()),
            Self::Failed { reason } => write!(f, "Failed({reason})"),
        }
    }
}

//! What a branch answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

/// One answer of a branch.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A whole answer.
    Whole(Whole),
    /// Nothing until the gate opens, then the answer.
    Held(Gate, Whole),
    /// The answer after a while.
    After(Duration, Whole),
    /// Nothing, for ever.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// Half of the announced body, then the connection is closed.
    HalfBody(u16),
    /// A head, and a body that stands still after its first bytes.
    StuckBody(u16),
    /// A body that never ends.
    EndlessBody(u16),
    /// Bytes that are no HTTP.
    Garbage,
}

/// An answer with everything that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// Holds calls back until a case opens it.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::of(200, r#"{"dtm_result":"SUCCESS"}"#)
    }

    /// The branch will never do it.
    pub(crate) fn failure() -> Self {
        Self::of(409, r#"{"dtm_result":"FAILURE","message":"no stock"}"#)
    }

    /// The branch is still at it.
    pub(crate) fn ongoing() -> Self {
        Self::of(425, r#"{"dtm_result":"ONGOING"}"#)
    }

    /// Nobody knows what happened.
    pub(crate) fn error() -> Self {
        Self::of(500, "the branch is broken")
    }

    pub(crate) fn of(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Whole(Whole { status, headers: Vec::new(), body: body.into() })
    }

    pub(crate) fn with_header(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Whole(mut whole) => {
                whole.headers.push((name, value.into()));
                Self::Whole(whole)
            }
            other => other,
        }
    }

    /// Held back for a while.
    pub(crate) fn after(self, pause: Duration) -> Self {
        match self {
            Self::Whole(whole) => Self::After(pause, whole),
            other => other,
        }
    }

    /// Held back until the gate opens.
    pub(crate) fn behind(self, gate: &Gate) -> Self {
        match self {
            Self::Whole(whole) => Self::Held(gate.clone(), whole),
            other => other,
        }
    }
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        let mut open = self.0.subscribe();
        open.wait_for(|open| *open).await.expect("a gate lives as long as its replies");
    }
}

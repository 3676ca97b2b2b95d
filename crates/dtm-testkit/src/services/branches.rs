//! Delivery of calls to services in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::{BranchCall, CallOp};
use dtm_core::model::{BranchId, Gid, Op, Outcome};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::{Books, Flaw, Script};

/// How long an ordinary call takes.
const LATENCY: Duration = Duration::from_millis(5);

/// All services of a run. Needs a tokio runtime; time is whatever that runtime says.
#[derive(Debug)]
pub struct Branches {
    books: Arc<Books>,
    scripts: Mutex<BTreeMap<(Gid, BranchId, Op), Script>>,
}

/// What is asked of a service.
#[derive(Debug, Clone)]
struct Asked {
    gid: Gid,
    branch_id: BranchId,
    op: Op,
}

impl Branches {
    /// Services that behave well, with these books.
    #[must_use]
    pub fn new(books: Arc<Books>) -> Self {
        Self { books, scripts: Mutex::default() }
    }

    /// The books.
    #[must_use]
    pub const fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// How `op` of a branch behaves from now on.
    pub fn play(&self, gid: &Gid, branch_id: &BranchId, op: Op, script: Script) {
        if script.refuses {
            self.books.refuse(gid, branch_id);
        }
        self.scripts.lock().insert((gid.clone(), branch_id.clone(), op), script);
    }

    /// From now on every service behaves well. Those that say no go on to do so.
    pub fn heal(&self) {
        self.scripts.lock().clear();
    }

    /// Makes a call of the coordinator and says what became of it, within the time-out of the call. What is
    /// under way takes effect also when the caller goes away.
    pub async fn call(&self, call: &BranchCall) -> Outcome {
        match call.op {
            CallOp::Branch(op) => {
                let timeout = Duration::from(call.timeout);
                self.ask(call.gid.clone(), call.branch_id.clone(), op, timeout).await
            }
            CallOp::Workflow(_) => Outcome::Unknown { cause: "no workflow runs here".to_owned() },
        }
    }

    /// Has a service do something, and waits for it no longer than `timeout`. What a client does before it
    /// decides (try, XA prepare) is an action.
    pub async fn ask(&self, gid: Gid, branch_id: BranchId, op: Op, timeout: Duration) -> Outcome {
        let asked = Asked { gid, branch_id, op };
        let answer = tokio::time::timeout(timeout, self.misbehave(asked, timeout));
        answer.await.unwrap_or_else(|_| Outcome::Unknown { cause: "no answer in time".to_owned() })
    }

    async fn misbehave(&self, asked: Asked, timeout: Duration) -> Outcome {
        let unknown = |cause: &str| Outcome::Unknown { cause: cause.to_owned() };
        match self.next_flaw(&asked) {
            None => self.answer_after(asked, LATENCY).await,
            Some(Flaw::Slow(span)) => self.answer_after(asked, span).await,
            Some(Flaw::Twice(span)) => {
                self.arrive_after(asked.clone(), span);
                self.answer_after(asked, LATENCY).await
            }
            Some(Flaw::Ongoing) => after(LATENCY, Outcome::Ongoing).await,
            Some(Flaw::ErrorBefore) => after(LATENCY, unknown("status 500")).await,
            Some(Flaw::ErrorAfter) => {
                self.answer_after(asked, LATENCY).await;
                unknown("status 500 although it was done")
            }
            Some(Flaw::LostRequest) => after(timeout, unknown("no answer")).await,
            Some(Flaw::LostAnswer) => {
                self.arrive_after(asked, LATENCY);
                after(timeout, unknown("no answer")).await
            }
            Some(Flaw::Late(span)) => {
                self.arrive_after(asked, timeout + span);
                after(timeout, unknown("no answer")).await
            }
            Some(Flaw::NotSent) => {
                after(LATENCY, Outcome::NotSent { cause: "no connection".to_owned() }).await
            }
            Some(Flaw::Reluctant) => {
                after(LATENCY, Outcome::Failure { reason: "not now FAILURE".to_owned() }).await
            }
        }
    }

    fn next_flaw(&self, asked: &Asked) -> Option<Flaw> {
        let key = (asked.gid.clone(), asked.branch_id.clone(), asked.op);
        self.scripts.lock().get_mut(&key)?.flaws.pop_front()
    }

    /// The call arrives and is answered after `span`; the caller going away does not stop it.
    async fn answer_after(&self, asked: Asked, span: Duration) -> Outcome {
        let gone = || Outcome::Unknown { cause: "the service is gone".to_owned() };
        self.arrive_after(asked, span).await.unwrap_or_else(|_| gone())
    }

    fn arrive_after(&self, asked: Asked, span: Duration) -> tokio::task::JoinHandle<Outcome> {
        let books = Arc::clone(&self.books);
        tokio::spawn(async move {
            sleep(span).await;
            match asked.op {
                Op::Message => books.check_back(&asked.gid),
                op => books.arrive(&asked.gid, &asked.branch_id, op),
            }
        })
    }
}

async fn after(span: Duration, outcome: Outcome) -> Outcome {
    sleep(span).await;
    outcome
}

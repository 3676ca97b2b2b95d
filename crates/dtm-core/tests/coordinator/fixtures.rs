//! Given a transaction, when something happens.

use std::collections::BTreeMap;

use dtm_core::coordinator::{BranchCall, CallKey, Decision, Durability, Effect, Illegal, Input, Policy, Run};
use dtm_core::model::{
    Amendment, BranchId, Definition, Gid, Mode, Options, Ordering, Outcome, Payload, Plan, Protocol,
    Registration, Seconds, Step, StepIndex, Timestamp, Transaction, WorkflowEnd,
};

/// When every transaction of these tests is created.
pub(crate) const CREATED: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The time `seconds` after the creation.
pub(crate) const fn at(seconds: u32) -> Timestamp {
    CREATED.plus(Seconds::new(seconds))
}

pub(crate) fn seconds(seconds: u32) -> Option<Seconds> {
    Some(Seconds::new(seconds))
}

pub(crate) fn failure() -> Outcome {
    Outcome::Failure { reason: "no money".to_owned() }
}

pub(crate) fn unknown() -> Outcome {
    Outcome::Unknown { cause: "timed out".to_owned() }
}

pub(crate) fn not_sent() -> Outcome {
    Outcome::NotSent { cause: "breaker is open".to_owned() }
}

/// A transaction in the making.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) policy: Policy,
    pub(crate) definition: Definition,
    pub(crate) registrations: Vec<Registration>,
}

impl Given {
    fn new(plan: Plan) -> Self {
        let definition = Definition {
            gid: Gid::parse("order-1").unwrap(),
            protocol: Protocol::Http,
            plan,
            options: Options::default(),
            custom_data: String::new(),
            created_at: CREATED,
        };
        Self { policy: Policy::default(), definition, registrations: Vec::new() }
    }

    pub(crate) fn saga(count: usize) -> Self {
        Self::new(Plan::Saga { steps: steps(count), ordering: Ordering::Sequential })
    }

    /// `orders`: pairs of a step and the steps that it waits for.
    pub(crate) fn concurrent_saga(count: usize, orders: &[(u64, &[u64])]) -> Self {
        let orders: BTreeMap<u64, Vec<u64>> =
            orders.iter().map(|(step, before)| (*step, before.to_vec())).collect();
        let ordering = Ordering::concurrent(count, &orders).unwrap();
        Self::new(Plan::Saga { steps: steps(count), ordering })
    }

    pub(crate) fn message(count: usize) -> Self {
        Self::new(Plan::Message { steps: steps(count), query_prepared: "http://query".into(), delay: None })
    }

    pub(crate) fn tcc(count: u32) -> Self {
        Self::new(Plan::Tcc).registered((0..count).map(tcc_branch).collect())
    }

    pub(crate) fn xa(count: u32) -> Self {
        Self::new(Plan::Xa).registered((0..count).map(xa_branch).collect())
    }

    pub(crate) fn workflow() -> Self {
        let data = Payload::from("input");
        Self::new(Plan::Workflow { callback: "http://resume".into(), name: "transfer".into(), data })
    }

    pub(crate) fn registered(mut self, registrations: Vec<Registration>) -> Self {
        self.registrations = registrations;
        self
    }

    /// Changes what the client chose.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.definition.options);
        self
    }

    /// Changes how the server is configured.
    pub(crate) fn under(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn planned(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(&mut self.definition.plan);
        self
    }

    /// Changes the steps of a saga or message.
    pub(crate) fn stepped(self, change: impl FnOnce(&mut [Step])) -> Self {
        self.planned(|plan| match plan {
            Plan::Saga { steps, .. } | Plan::Message { steps, .. } => change(steps),
            Plan::Tcc | Plan::Xa | Plan::Workflow { .. } => panic!("no steps"),
        })
    }

    /// As it is stored before anything has happened.
    pub(crate) fn transaction(&self) -> Transaction {
        let definition = self.definition.clone();
        let mut transaction = match definition.plan.mode() {
            Mode::Saga => Transaction::submitted(definition, &self.policy),
            Mode::Tcc | Mode::Xa | Mode::Message | Mode::Workflow => {
                Transaction::prepared(definition, &self.policy)
            }
        };
        transaction.registrations.clone_from(&self.registrations);
        transaction
    }

    /// Created, and driven: a saga is submitted, everything else prepared.
    pub(crate) fn started(&self) -> Case {
        let mut case = Case {
            run: Run::fresh(self.transaction()),
            policy: self.policy.clone(),
            now: CREATED,
            durable: self.transaction(),
            out: Vec::new(),
            decision: Decision::default(),
        };
        case.feed(&Input::Woke);
        case
    }

    /// As [`started`](Self::started), and submitted by the client.
    pub(crate) fn submitted(&self) -> Case {
        let mut case = self.started();
        case.submit();
        case
    }
}

fn steps(count: usize) -> Vec<Step> {
    (1..=count).map(|n| Step::new(&format!("http://do/{n}"), &format!("http://undo/{n}"), "body")).collect()
}

pub(crate) fn tcc_branch(n: u32) -> Registration {
    Registration::Tcc {
        branch_id: BranchId::of_step(StepIndex::new(n)),
        confirm: format!("http://confirm/{n}").into(),
        cancel: format!("http://cancel/{n}").into(),
        data: Payload::from("body"),
    }
}

pub(crate) fn xa_branch(n: u32) -> Registration {
    Registration::Xa {
        branch_id: BranchId::of_step(StepIndex::new(n)),
        url: format!("http://phase2/{n}").into(),
        data: Payload::from("body"),
    }
}

/// A transaction that is driven, with a clock and a store.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) run: Run,
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    /// What the store holds.
    pub(crate) durable: Transaction,
    /// Calls that have not ended.
    pub(crate) out: Vec<BranchCall>,
    /// The last decision.
    pub(crate) decision: Decision,
}

impl Case {
    pub(crate) fn try_feed(&mut self, input: &Input) -> Result<(), Illegal> {
        self.decision = self.run.step(input, &self.policy, self.now)?;
        if self.decision.write.as_ref().is_some_and(|write| write.durability == Durability::BeforeEffects) {
            self.flush();
        }
        self.out.extend(calls(&self.decision).cloned());
        Ok(())
    }

    #[track_caller]
    pub(crate) fn feed(&mut self, input: &Input) -> &mut Self {
        self.try_feed(input).unwrap();
        self
    }

    pub(crate) fn submit(&mut self) -> &mut Self {
        self.feed(&Input::Submitted { amendment: None, end: None })
    }

    pub(crate) fn submit_with(&mut self, amendment: Amendment) -> &mut Self {
        self.feed(&Input::Submitted { amendment: Some(amendment), end: None })
    }

    pub(crate) fn end_workflow(&mut self, succeeded: bool, reason: &str, result: &str) -> &mut Self {
        let end = WorkflowEnd { succeeded, reason: reason.to_owned(), result: result.to_owned() };
        self.feed(&Input::Submitted { amendment: None, end: Some(end) })
    }

    pub(crate) fn abort(&mut self, reason: &str) -> &mut Self {
        self.feed(&Input::Aborted { reason: reason.to_owned() })
    }

    /// The clock moves to `seconds` after the creation.
    pub(crate) fn clock(&mut self, seconds: u32) -> &mut Self {
        self.now = at(seconds);
        self
    }

    /// The clock moves to the wake-up of the last decision, and it is fed.
    #[track_caller]
    pub(crate) fn wake(&mut self) -> &mut Self {
        let wake = self.decision.wake.expect("the last decision has a wake-up");
        self.now = self.now.max(wake);
        self.feed(&Input::Woke)
    }

    /// The call named `operation branch` ends.
    #[track_caller]
    pub(crate) fn answer(&mut self, name: &str, outcome: Outcome) -> &mut Self {
        let found = self.out.iter().position(|call| name_of(call) == name);
        let call = self.out.remove(found.unwrap_or_else(|| panic!("{name} is not out: {:?}", self.out)));
        self.feed(&ended(call.key, outcome))
    }

    #[track_caller]
    pub(crate) fn succeeds(&mut self, name: &str) -> &mut Self {
        self.answer(name, Outcome::Success)
    }

    /// Deferred progress is written.
    pub(crate) fn flush(&mut self) -> &mut Self {
        self.durable = self.run.transaction().clone();
        self.run.flushed();
        self
    }

    /// The process dies; another one takes over what is stored and starts.
    pub(crate) fn crash(&mut self) -> &mut Self {
        self.run = Run::recovered(self.durable.clone());
        self.out.clear();
        self.feed(&Input::Woke)
    }

    pub(crate) fn transaction(&self) -> &Transaction {
        self.run.transaction()
    }
}

pub(crate) fn ended(key: CallKey, outcome: Outcome) -> Input {
    match key {
        CallKey::Branch(index) => Input::Branch { index, outcome },
        CallKey::Probe => Input::Probed { outcome },
        CallKey::Resume => Input::Resumed { outcome },
    }
}

/// The calls that a decision makes.
pub(crate) fn calls(decision: &Decision) -> impl Iterator<Item = &BranchCall> {
    decision.effects.iter().filter_map(|effect| match effect {
        Effect::Call(call) | Effect::Probe(call) | Effect::Resume(call) => Some(call),
        Effect::Alert(_) | Effect::Reply(_) => None,
    })
}

/// `operation branch`.
pub(crate) fn name_of(call: &BranchCall) -> String {
    format!("{} {}", call.op.as_str(), call.branch_id)
}

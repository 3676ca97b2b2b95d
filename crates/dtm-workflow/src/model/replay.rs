//! What a step has to do.
//!
//! | its record | phase two | an earlier step | what happens |
//! |---|---|---|---|
//! | there | any | any | it is replayed |
//! | none | rollback has begun | any | it says no: nothing new is done while the rest is undone |
//! | none | commit has begun | any | the function does not fit its records |
//! | none | not begun | ended without a record | it does not begin |
//! | none | not begun | all recorded | it is run |
//!
//! A step of XA has two records: `business`, before its transaction is prepared, and `action`, after. When only the first is
//! there, the transaction may be prepared or not, and the step finds out: `XaAnswer::FindOut`.

use dtm_barrier::BranchError;
use dtm_core::model::Op;

use super::progress::{Progresses, StepEnd};
use super::{BranchNumber, Divergence};

/// One execution of a workflow's function, as far as decisions go.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(super) progresses: Progresses,
    /// In the order in which the function asked for them.
    pub(super) branches: Vec<Branch>,
    /// The first step of this execution whose end is not recorded.
    pub(super) open: Option<NotNow>,
    rollback_has_begun: bool,
    commit_has_begun: bool,
    pub(super) is_over: bool,
    divergence: Option<Divergence>,
}

/// A branch that the function has asked for.
#[derive(Debug, Default)]
pub(super) struct Branch {
    name: Option<String>,
    pub(super) was_refused: bool,
    pub(super) has_commit: bool,
    pub(super) rollback: Option<When>,
}

/// When a callback for rollback is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Not when the branch itself said no.
    NotRefused,
    Always,
}

/// What a step has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Replay(StepEnd),
    Run,
}

/// What a step of XA has to do.
#[cfg(any(feature = "_xa", test))]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum XaAnswer {
    Replay(StepEnd),
    Run,
    /// It was about to prepare, or has prepared; with the data of its `business` record.
    FindOut(Vec<u8>),
}

/// Why a step does not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNow {
    #[error("the workflow is being rolled back")]
    RollingBack,
    #[error(
        "branch {branch} has no recorded end ({cause}): no further step begins, the workflow is run again later"
    )]
    Open { branch: String, cause: String },
    #[error("the function of this workflow has ended: a step that begins now would never be recorded")]
    Over,
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

impl NotNow {
    /// What the function is told: "no" when the rest is being undone, else "not yet".
    pub(crate) fn into_branch_error(self) -> BranchError {
        match self {
            Self::RollingBack => BranchError::roll_back(self.to_string()),
            Self::Open { .. } | Self::Over | Self::Diverged(_) => self.into(),
        }
    }
}

impl Replay {
    pub(crate) fn new(progresses: Progresses) -> Self {
        Self {
            rollback_has_begun: progresses.has_any(Op::Rollback),
            commit_has_begun: progresses.has_any(Op::Commit),
            progresses,
            branches: Vec::new(),
            open: None,
            is_over: false,
            divergence: None,
        }
    }

    /// The next branch.
    pub(crate) fn take(&mut self) -> BranchNumber {
        let number = BranchNumber::at(self.branches.len());
        self.branches.push(Branch::default());
        number
    }

    /// Gives a branch a name, for messages.
    pub(crate) fn call_it(&mut self, branch: BranchNumber, name: String) {
        self.with(branch, |branch| branch.name = Some(name));
    }

    pub(crate) fn has_commit(&mut self, branch: BranchNumber) {
        self.with(branch, |branch| branch.has_commit = true);
    }

    /// `always`: even when the branch itself said no.
    pub(crate) fn has_rollback(&mut self, branch: BranchNumber, always: bool) {
        let when = if always { When::Always } else { When::NotRefused };
        self.with(branch, |branch| branch.rollback = Some(when));
    }

    /// What the action of a branch has to do. One look-up, however many records there are.
    ///
    /// # Errors
    /// [`NotNow`] when it must not begin.
    pub(crate) fn begin(&mut self, branch: BranchNumber) -> Result<Answer, NotNow> {
        if self.is_over {
            return Err(NotNow::Over);
        }
        if self.progresses.end_of(branch, Op::Business).is_some() {
            let problem = format!("branch {branch} is a step of XA, and a plain one is asked for");
            return Err(self.diverged(problem).into());
        }
        if let Some(end) = self.replayed(branch) {
            return Ok(Answer::Replay(end));
        }
        self.may_begin(branch)?;
        Ok(Answer::Run)
    }

    /// As [`begin`](Self::begin), for a step of XA.
    ///
    /// # Errors
    /// [`NotNow`] when it must not begin.
    #[cfg(any(feature = "_xa", test))]
    pub(crate) fn begin_xa(&mut self, branch: BranchNumber) -> Result<XaAnswer, NotNow> {
        if self.is_over {
            return Err(NotNow::Over);
        }
        let business = self.progresses.end_of(branch, Op::Business).cloned();
        if let Some(end) = self.replayed(branch) {
            // One that said no may have done so before it was about to prepare.
            if business.is_none() && matches!(end, StepEnd::Succeeded(_)) {
                let problem = format!("branch {branch} is a plain step, and one of XA is asked for");
                return Err(self.diverged(problem).into());
            }
            return Ok(XaAnswer::Replay(end));
        }
        self.may_begin(branch)?;
        Ok(match business {
            None => XaAnswer::Run,
            Some(StepEnd::Succeeded(data) | StepEnd::Refused(data)) => XaAnswer::FindOut(data),
        })
    }

    /// What is recorded of the action of a branch.
    fn replayed(&mut self, branch: BranchNumber) -> Option<StepEnd> {
        let end = self.progresses.end_of(branch, Op::Action)?.clone();
        self.ended(branch, &end);
        Some(end)
    }

    /// Whether a step without a record may begin.
    fn may_begin(&mut self, branch: BranchNumber) -> Result<(), NotNow> {
        if self.rollback_has_begun {
            return Err(NotNow::RollingBack);
        }
        if self.commit_has_begun {
            let problem = format!("commit has begun, and branch {branch} would be new");
            return Err(self.diverged(problem).into());
        }
        self.open.clone().map_or(Ok(()), Err)
    }

    /// Whether the branch has a callback of its own.
    #[cfg(feature = "_xa")]
    pub(crate) fn has_callback(&self, branch: BranchNumber) -> bool {
        let branch = self.branches.get(branch.position());
        branch.is_some_and(|branch| branch.has_commit || branch.rollback.is_some())
    }

    /// The end of a step is recorded.
    pub(crate) fn ended(&mut self, branch: BranchNumber, end: &StepEnd) {
        let was_refused = matches!(end, StepEnd::Refused(_));
        self.with(branch, |branch| branch.was_refused = was_refused);
    }

    /// A step has ended, or was given up, without a record: it may have taken effect.
    pub(crate) fn left_open(&mut self, branch: BranchNumber, cause: String) {
        let branch = self.label(branch);
        self.open.get_or_insert(NotNow::Open { branch, cause });
    }

    /// The function does not fit its records. What it does about that counts no more.
    pub(crate) fn diverged(&mut self, problem: String) -> Divergence {
        let positions = (0..self.branches.len()).map(BranchNumber::at);
        let asked: Vec<_> = positions.map(|branch| self.label(branch)).collect();
        let divergence = Divergence::new(problem, &self.progresses.shown(), &asked);
        self.divergence.get_or_insert(divergence).clone()
    }

    /// Where the function did not fit, if it did not.
    pub(crate) const fn divergence(&self) -> Option<&Divergence> {
        self.divergence.as_ref()
    }

    /// How messages name a branch.
    pub(crate) fn label(&self, branch: BranchNumber) -> String {
        match self.branches.get(branch.position()).and_then(|branch| branch.name.as_ref()) {
            Some(name) => format!("{branch} '{name}'"),
            None => branch.to_string(),
        }
    }

    fn with(&mut self, branch: BranchNumber, change: impl FnOnce(&mut Branch)) {
        // Numbers come from `take`, so the branch is there.
        if let Some(branch) = self.branches.get_mut(branch.position()) {
            change(branch);
        }
    }
}

#[cfg(test)]
mod tests {
    use dtm_core::model::BranchStatus;

    use super::super::{Row, fixture::replay_of};
    use super::*;

    fn done(data: &str) -> Answer {
        Answer::Replay(StepEnd::Succeeded(data.into()))
    }

    #[test]
    fn each_row_of_the_table() {
        // design section 5, invariant I12
        for (records, open, expected) in [
            ("01 action", false, Ok(done("01"))),
            ("01 action", true, Ok(done("01"))),
            ("01 action, 01 rollback", true, Ok(done("01"))),
            ("02 rollback", false, Err("is being rolled back")),
            ("02 commit", false, Err("commit has begun, and branch 01 would be new")),
            ("", true, Err("branch 01 has no recorded end (no answer): no further step begins")),
            ("", false, Ok(Answer::Run)),
            ("01 business", false, Err("branch 01 is a step of XA")),
            ("01 business, 01 action", false, Err("branch 01 is a step of XA")),
        ] {
            let mut replay = replay_of(records);
            let branch = replay.take();
            if open {
                replay.left_open(branch, "no answer".to_owned());
            }
            match (replay.begin(branch), expected) {
                (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{records}"),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{records}: {error}"),
                (answer, expected) => panic!("{records}: {answer:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn each_row_of_the_table_for_a_step_of_xa() {
        // design section 5, invariant I12
        let refused = || XaAnswer::Replay(StepEnd::Refused("01".into()));
        for (records, open, expected) in [
            ("", false, Ok(XaAnswer::Run)),
            ("", true, Err("branch 01 has no recorded end (no answer)")),
            ("01 business", false, Ok(XaAnswer::FindOut("01".into()))),
            ("01 business", true, Err("branch 01 has no recorded end (no answer)")),
            ("01 business, 01 action", true, Ok(XaAnswer::Replay(StepEnd::Succeeded("01".into())))),
            ("01 action!", false, Ok(refused())),
            ("01 business, 01 action!, 01 rollback", false, Ok(refused())),
            ("01 action", false, Err("branch 01 is a plain step, and one of XA is asked for")),
            // Go's SDK undoes it without recording that it said no.
            ("01 business, 01 rollback", false, Err("is being rolled back")),
            ("01 business, 02 commit", false, Err("commit has begun, and branch 01 would be new")),
        ] {
            let mut replay = replay_of(records);
            let branch = replay.take();
            if open {
                replay.left_open(branch, "no answer".to_owned());
            }
            match (replay.begin_xa(branch), expected) {
                (Ok(answer), Ok(expected)) => assert_eq!(answer, expected, "{records}"),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{records}: {error}"),
                (answer, expected) => panic!("{records}: {answer:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn the_first_open_step_is_the_one_that_is_told() {
        let mut replay = replay_of("");
        let (one, two) = (replay.take(), replay.take());
        replay.call_it(two, "deduct".to_owned());
        replay.left_open(two, "time-out".to_owned());
        replay.left_open(one, "later".to_owned());
        let message = replay.begin(one).unwrap_err().to_string();
        assert!(message.starts_with("branch 02 'deduct' has no recorded end (time-out)"), "{message}");
    }

    #[test]
    fn a_function_that_does_not_fit_is_told_once_with_both_sides() {
        let mut replay = replay_of("01 action, 02 action");
        let branch = replay.take();
        replay.call_it(branch, "deduct".to_owned());
        let first = replay.diverged("01 is no number".to_owned());
        assert_eq!((first.recorded.as_str(), first.asked.as_str()), ("01 action, 02 action", "01 'deduct'"));
        replay.diverged("something that follows from it".to_owned());
        assert_eq!(replay.divergence(), Some(&first));
    }

    #[test]
    fn a_thousand_records_are_read_once_and_then_looked_up() {
        let rows = |count: usize| -> Vec<Row> {
            let id = |position| BranchNumber::at(position).to_string();
            let row = |position| Row {
                branch_id: id(position),
                op: Op::Action,
                status: BranchStatus::Succeed,
                data: id(position).into(),
            };
            (0..count).map(row).collect()
        };
        let mut replay = Replay::new(Progresses::read(rows(1_000)).unwrap());
        for position in 0..1_000 {
            let branch = replay.take();
            assert_eq!(branch.position(), position);
            assert_eq!(replay.begin(branch), Ok(done(&branch.to_string())));
        }
        let next = replay.take();
        assert_eq!(replay.begin(next), Ok(Answer::Run));
    }
}

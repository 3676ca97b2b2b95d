//! What follows when the function has ended.

use dtm_core::model::Op;

use super::replay::When;
use super::{BranchNumber, NotNow, Replay};

/// How the function ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It returned a result.
    Commit,
    /// It said no.
    RollBack,
}

impl Ending {
    /// The operation of phase two.
    pub(crate) const fn op(self) -> Op {
        match self {
            Self::Commit => Op::Commit,
            Self::RollBack => Op::Rollback,
        }
    }
}

impl Replay {
    /// The branches whose callback is due, the last one first, as Go's SDK has it; those of them that are
    /// recorded already are left out. After this nothing new begins.
    ///
    /// # Errors
    /// [`NotNow::Open`] when the function ended well although the end of a step is not recorded: it may not
    /// decide on what the next execution may see otherwise. [`NotNow::Diverged`] when records do not fit.
    pub(crate) fn end(&mut self, ending: Ending) -> Result<Vec<BranchNumber>, NotNow> {
        self.is_over = true;
        // A function may have gone on after it was told that it does not fit.
        if let Some(divergence) = self.divergence() {
            return Err(divergence.clone().into());
        }
        if let Some(problem) = self.what_does_not_fit(ending) {
            return Err(self.diverged(problem).into());
        }
        match (ending, &self.open) {
            (Ending::Commit, Some(open)) => return Err(open.clone()),
            // Whoever says no has taken into account that the branch may have done it: its callback is called.
            (Ending::RollBack, _) | (Ending::Commit, None) => {}
        }
        let positions = (0..self.branches.len()).rev().map(BranchNumber::at);
        Ok(positions
            .filter(|branch| self.is_due(*branch, ending))
            .filter(|branch| self.progresses.end_of(*branch, ending.op()).is_none())
            .collect())
    }

    fn is_due(&self, branch: BranchNumber, ending: Ending) -> bool {
        self.branches.get(branch.position()).is_some_and(|branch| match (ending, branch.rollback) {
            (Ending::Commit, _) => branch.has_commit,
            (Ending::RollBack, Some(When::Always)) => true,
            (Ending::RollBack, Some(When::NotRefused)) => !branch.was_refused,
            (Ending::RollBack, None) => false,
        })
    }

    fn what_does_not_fit(&self, ending: Ending) -> Option<String> {
        self.progresses.steps().into_iter().find_map(|(branch, op)| {
            if branch.position() >= self.branches.len() {
                return Some(format!("branch {branch} is recorded, and the function ended without it"));
            }
            match (op, ending) {
                (Op::Rollback, Ending::Commit) => {
                    Some(format!("branch {branch} is rolled back, and the function ended well this time"))
                }
                (Op::Commit, Ending::RollBack) => {
                    Some(format!("branch {branch} is committed, and the function said no this time"))
                }
                (Op::Rollback | Op::Commit, _) if !self.is_due(branch, ending) => Some(format!(
                    "the {} of branch {branch} is recorded, and it has no callback for that",
                    op.as_str()
                )),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::replay_of;
    use super::*;

    /// Runs a function of `count` branches, each with both callbacks, on these records.
    fn end(records: &str, count: usize, ending: Ending) -> Result<Vec<String>, String> {
        let mut replay = replay_of(records);
        for _ in 0..count {
            let branch = replay.take();
            replay.has_commit(branch);
            replay.has_rollback(branch, false);
            // A step that would be new is what the test says it is: not recorded.
            drop(replay.begin(branch));
        }
        let due = replay.end(ending).map_err(|error| error.to_string())?;
        Ok(due.iter().map(BranchNumber::to_string).collect())
    }

    #[test]
    fn callbacks_are_due_in_reverse_and_only_once() {
        for (records, ending, expected) in [
            ("01 action, 02 action, 03 action", Ending::Commit, vec!["03", "02", "01"]),
            ("01 action, 02 action, 03 action, 03 commit", Ending::Commit, vec!["02", "01"]),
            ("01 action, 02 action, 03 action!", Ending::RollBack, vec!["02", "01"]),
            ("01 action, 02 action, 03 action!, 02 rollback", Ending::RollBack, vec!["01"]),
            ("01 action, 02 action!, 02 commit, 01 commit, 03 action, 03 commit", Ending::Commit, vec![]),
        ] {
            assert_eq!(end(records, 3, ending).unwrap(), expected, "{records}");
        }
    }

    #[test]
    fn a_branch_that_may_have_done_it_is_rolled_back() {
        let mut replay = replay_of("01 action");
        let (one, two, three) = (replay.take(), replay.take(), replay.take());
        for branch in [one, two, three] {
            replay.has_rollback(branch, false);
        }
        replay.left_open(two, "time-out".to_owned());
        assert_eq!(replay.end(Ending::RollBack), Ok(vec![three, two, one]));
    }

    #[test]
    fn a_branch_that_said_no_is_rolled_back_if_it_wants_to() {
        // as CompensateErrorBranch of Go's SDK
        let mut replay = replay_of("01 action!");
        let branch = replay.take();
        replay.has_rollback(branch, true);
        replay.begin(branch).unwrap();
        assert_eq!(replay.end(Ending::RollBack), Ok(vec![branch]));
    }

    #[test]
    fn no_good_end_on_a_step_without_a_record() {
        let mut replay = replay_of("");
        let branch = replay.take();
        replay.left_open(branch, "time-out".to_owned());
        let message = replay.end(Ending::Commit).unwrap_err().to_string();
        assert!(message.contains("branch 01 has no recorded end (time-out)"), "{message}");
    }

    #[test]
    fn what_does_not_fit_is_noticed_at_the_end() {
        for (records, count, ending, words) in [
            (
                "01 action, 02 action",
                1,
                Ending::Commit,
                "branch 02 is recorded, and the function ended without it",
            ),
            (
                "01 action, 02 action",
                1,
                Ending::RollBack,
                "branch 02 is recorded, and the function ended without it",
            ),
            (
                "01 action, 01 rollback",
                1,
                Ending::Commit,
                "branch 01 is rolled back, and the function ended well",
            ),
            ("01 action, 01 commit", 1, Ending::RollBack, "branch 01 is committed, and the function said no"),
            ("01 action!, 01 rollback", 1, Ending::RollBack, "the rollback of branch 01 is recorded"),
        ] {
            let message = end(records, count, ending).unwrap_err();
            assert!(message.contains(words), "{records}: {message}");
            assert!(message.contains("recorded: 01 action"), "{message}");
            assert!(message.contains("asked for: 01"), "{message}");
        }
    }

    #[test]
    fn nothing_begins_after_the_end() {
        let mut replay = replay_of("");
        let branch = replay.take();
        replay.end(Ending::Commit).unwrap();
        assert_eq!(replay.begin(branch), Err(NotNow::Over));
    }
}

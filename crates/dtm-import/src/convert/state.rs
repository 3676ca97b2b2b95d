//! How far a transaction has come.

use dtm_core::model::{
    BranchProgress, BranchStatus, Definition, Mode, Op, Seconds, State, Status, Timestamp, truncate,
};

use super::{Refused, Rules, saga};
use crate::{BranchRecord, GlobalRecord};

/// Mode and status, once it is clear that they go together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) mode: Mode,
    pub(super) status: Status,
}

pub(super) fn standing(global: &GlobalRecord) -> Result<Standing, Refused> {
    let mode = Mode::parse(word(&global.trans_type)).map_err(Refused::new)?;
    let status = Status::parse(word(&global.status)).map_err(Refused::new)?;
    let possible = match (mode, status) {
        (_, Status::Succeed | Status::Failed) => false,
        (Mode::Saga, Status::Submitted | Status::Aborting)
        | (Mode::Message, Status::Prepared | Status::Submitted)
        | (Mode::Tcc | Mode::Xa, Status::Prepared | Status::Submitted | Status::Aborting)
        | (Mode::Workflow, Status::Prepared) => true,
        (Mode::Saga, Status::Prepared)
        | (Mode::Message, Status::Aborting)
        | (Mode::Workflow, Status::Submitted | Status::Aborting) => false,
    };
    if possible {
        Ok(Standing { mode, status })
    } else {
        Err(Refused::new(format!("a {mode} is never {status}")))
    }
}

pub(super) fn state(
    global: &GlobalRecord,
    standing: &Standing,
    definition: &Definition,
    branches: &[BranchRecord],
    rules: &Rules<'_>,
) -> Result<State, Refused> {
    let base = rules.policy.base_interval(&definition.options);
    let interval = match global.interval {
        None | Some(0) => base,
        Some(seconds) => Seconds::new(
            u32::try_from(seconds).map_err(|_| Refused::new(format!("next_cron_interval is {seconds}")))?,
        ),
    };
    let reason = truncate(&global.rollback_reason, rules.policy.reason_bytes_max);
    Ok(State {
        status: standing.status,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        result: None,
        progress: progress(global, standing.mode, definition, branches)?,
        starts_recorded: true,
        failures: doublings(base, interval),
        interval,
        next_retry: time("next_cron_time", global.next_try)?,
        updated_at: time("update_time", global.updated)?,
        finished_at: None,
        amendment: None,
    })
}

pub(super) fn time(field: &str, millis: Option<u64>) -> Result<Timestamp, Refused> {
    millis.map(Timestamp::from_millis).ok_or_else(|| Refused::new(format!("{field} is empty")))
}

/// How often the interval was doubled: what DTM calls the retry count, and takes for its alerts.
fn doublings(base: Seconds, interval: Seconds) -> u32 {
    match interval.get().checked_div(base.get()) {
        Some(times) if times > 0 => times.ilog2(),
        Some(_) | None => 0,
    }
}

fn progress(
    global: &GlobalRecord,
    mode: Mode,
    definition: &Definition,
    branches: &[BranchRecord],
) -> Result<Vec<BranchProgress>, Refused> {
    if mode == Mode::Workflow {
        return Ok(Vec::new()); // the registrations say it
    }
    let mut rows = branches.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    if mode == Mode::Saga {
        saga::mark_started(definition, &mut rows, global.branches_are_late);
    }
    let used = rows.iter().rposition(|row| *row != BranchProgress::UNTOUCHED).map_or(0, |last| last + 1);
    rows.truncate(used);
    Ok(rows)
}

fn row(branch: &BranchRecord) -> Result<BranchProgress, Refused> {
    let status = BranchStatus::parse(word(&branch.status)).map_err(Refused::new)?;
    if status == BranchStatus::Failed && branch.op != Op::Action.as_str() {
        let (id, op) = (word(&branch.branch_id), word(&branch.op));
        return Err(Refused::new(format!("branch {id} {op} is failed, which only an action can be")));
    }
    let ended = status != BranchStatus::Prepared;
    Ok(BranchProgress {
        status,
        started: ended,
        attempts: 0,
        ended_at: branch.ended.filter(|_| ended).map(Timestamp::from_millis),
    })
}

/// Enough of a text that should be one of a few words to go into a message.
pub(super) fn word(text: &str) -> &str {
    truncate(text, 64)
}

//! The rows of a message: one per step, or one per subscriber of the topic that a step names.
//!
//! DTM keeps the URLs of the subscribers and forgets the name of the topic. It stays unknown: the empty name, which
//! no topic has.

use std::sync::Arc;

use dtm_core::model::{BranchId, Op, Payload, Step, StepIndex, fan_out};

use super::Refused;
use super::saga::check_place;
use crate::BranchRecord;

/// What a step is called that names a topic whose name is not known.
const UNKNOWN_TOPIC: &str = "topic://";

/// The branches of a message.
pub(super) fn steps(branches: &[BranchRecord]) -> Result<Vec<Step>, Refused> {
    let same_step =
        |a: &BranchRecord, b: &BranchRecord| match (a.branch_id.split_once('-'), b.branch_id.split_once('-'))
        {
            (Some((a, _)), Some((b, _))) => a == b,
            (_, _) => false,
        };
    let mut listed = Vec::new();
    for rows in branches.chunk_by(same_step) {
        let Some(first) = rows.first() else { continue };
        if rows.iter().any(|row| row.data != first.data) {
            return Err(Refused::new(format!("branch {} has several payloads", first.branch_id)));
        }
        let payload = Payload::from(first.data.as_slice());
        listed.push(if first.branch_id.contains('-') {
            let urls: Vec<Arc<str>> = rows.iter().map(|row| Arc::from(row.url.as_str())).collect();
            (Step::new(UNKNOWN_TOPIC, "", payload), Some(urls))
        } else {
            (Step::new(&first.url, "", payload), None)
        });
    }
    let steps = fan_out(listed);
    if steps.len() != branches.len() {
        return Err(Refused::new("the branches of its topics are not complete"));
    }
    for ((index, row), step) in (0..).map(StepIndex::new).zip(branches).zip(&steps) {
        let expected = step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index));
        check_place(row, expected.as_str(), Op::Action)?;
    }
    Ok(steps)
}

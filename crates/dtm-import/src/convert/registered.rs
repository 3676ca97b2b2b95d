//! Branches that were registered: two rows for a TCC or XA branch, one for a step of a workflow.

use std::collections::HashSet;

use dtm_core::coordinator::Refusal;
use dtm_core::model::{Mode, Op, Registration};
use dtm_proto::http::RegisterRequest;

use super::saga::check_place;
use super::state::word;
use super::{Refused, Rules};
use crate::{BranchRecord, GlobalRecord};

pub(super) fn registrations(
    global: &GlobalRecord,
    mode: Mode,
    branches: &[BranchRecord],
    rules: &Rules<'_>,
) -> Result<Vec<Registration>, Refused> {
    let requests: Vec<RegisterRequest> = match mode {
        Mode::Saga | Mode::Message => return Ok(Vec::new()),
        Mode::Tcc => pairs(branches, Op::Cancel, Op::Confirm)?
            .map(|(cancel, confirm)| RegisterRequest {
                cancel: cancel.url.clone(),
                confirm: confirm.url.clone(),
                ..request(global, cancel)
            })
            .collect(),
        Mode::Xa => {
            let pairs: Vec<_> = pairs(branches, Op::Rollback, Op::Commit)?.collect();
            if let Some((rollback, _)) = pairs.iter().find(|(rollback, commit)| rollback.url != commit.url) {
                return Err(Refused::new(format!(
                    "branch {} has two different URLs",
                    word(&rollback.branch_id)
                )));
            }
            pairs
                .iter()
                .map(|(rollback, _)| RegisterRequest {
                    url: rollback.url.clone(),
                    ..request(global, rollback)
                })
                .collect()
        }
        Mode::Workflow => branches.iter().map(|row| request(global, row)).collect(),
    };
    let (found, limit) = (requests.len(), rules.policy.limits.branches_max);
    if found > limit {
        return Err(Refused::new(Refusal::TooManyBranches { found, limit }));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = branches.iter().find(|row| !seen.insert((&row.branch_id, &row.op))) {
        let (id, op) = (word(&twice.branch_id), word(&twice.op));
        return Err(Refused::new(format!("branch {id} {op} is there twice")));
    }
    requests.iter().map(|request| request.registration(rules.limits).map_err(Refused::new)).collect()
}

type Pair<'a> = (&'a BranchRecord, &'a BranchRecord);

/// The two rows of each branch, in the order in which DTM writes them.
fn pairs(branches: &[BranchRecord], back: Op, forth: Op) -> Result<impl Iterator<Item = Pair<'_>>, Refused> {
    for rows in branches.chunks(2) {
        let [first, second] = rows else {
            let ids: Vec<_> = rows.iter().map(|row| word(&row.branch_id)).collect();
            return Err(Refused::new(format!("branch {} has one row instead of two", ids.join(" "))));
        };
        check_place(first, &first.branch_id, back)?;
        check_place(second, &first.branch_id, forth)?;
        if first.data != second.data {
            return Err(Refused::new(format!(
                "branch {} has two different payloads",
                word(&first.branch_id)
            )));
        }
    }
    Ok(branches.chunks_exact(2).filter_map(|rows| Some((rows.first()?, rows.get(1)?))))
}

fn request(global: &GlobalRecord, row: &BranchRecord) -> RegisterRequest {
    RegisterRequest {
        gid: global.gid.clone(),
        trans_type: global.trans_type.clone(),
        branch_id: row.branch_id.clone(),
        data: row.data.as_slice().into(),
        bin_data: String::new(),
        confirm: String::new(),
        cancel: String::new(),
        url: String::new(),
        op: row.op.clone(),
        status: row.status.clone(),
    }
}

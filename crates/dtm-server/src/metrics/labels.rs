//! The labels and all their values: a label is bounded or it is none.

use dtm_core::coordinator::CallOp;
use dtm_core::model::{Mode, Op};

use super::cells::Dimension;

/// What became of an alert.
pub(super) const ALERT_SENT: usize = 0;
pub(super) const ALERT_FAILED: usize = 1;
pub(super) const ALERT_DROPPED: usize = 2;

// Lower case, as with DTM: dashboards select by it.
pub(super) const PROTOCOLS: &[&str] = &["http", "grpc", "json-rpc", "other"];
pub(super) const APIS: &[&str] = &[
    "submit",
    "prepare",
    "registerbranch",
    "abort",
    "newgid",
    "query",
    "prepareworkflow",
    "all",
    "version",
    "forcestop",
    "resetnextcrontime",
    "resetcrontime",
    "subscribe",
    "unsubscribe",
    "topic",
    "querykv",
    "scankv",
    "other",
];
pub(super) const OK_OR_FAIL: &[&str] = &["ok", "fail"];
/// In the order of [`Mode::ALL`].
pub(super) const MODELS: &[&str] = &["saga", "tcc", "xa", "msg", "workflow"];
/// In the order of [`Op::ALL`]; the name of a workflow is not bounded and therefore no label.
pub(super) const BRANCH_TYPES: &[&str] =
    &["action", "compensate", "confirm", "cancel", "commit", "rollback", "msg", "business", "workflow"];
pub(super) const OUTCOMES: &[&str] = &["success", "failure", "ongoing", "unknown", "not_sent"];

pub(super) const TYPE: Dimension = Dimension { label: "type", values: PROTOCOLS };
pub(super) const API: Dimension = Dimension { label: "api", values: APIS };
pub(super) const STATUS: Dimension = Dimension { label: "status", values: OK_OR_FAIL };
pub(super) const MODEL: Dimension = Dimension { label: "model", values: MODELS };
pub(super) const BRANCH_TYPE: Dimension = Dimension { label: "branchtype", values: BRANCH_TYPES };
pub(super) const OUTCOME: Dimension = Dimension { label: "outcome", values: OUTCOMES };
pub(super) const RESULT: Dimension = Dimension { label: "result", values: &["sent", "failed", "dropped"] };

/// The index of a value, whatever its case; the last one stands for all that are not listed.
pub(super) fn position(values: &[&str], value: &str) -> usize {
    values.iter().position(|known| known.eq_ignore_ascii_case(value)).unwrap_or(values.len() - 1)
}

pub(super) const fn mode_index(mode: Mode) -> usize {
    match mode {
        Mode::Saga => 0,
        Mode::Tcc => 1,
        Mode::Xa => 2,
        Mode::Message => 3,
        Mode::Workflow => 4,
    }
}

pub(super) const fn op_index(op: &CallOp) -> usize {
    match op {
        CallOp::Branch(Op::Action) => 0,
        CallOp::Branch(Op::Compensate) => 1,
        CallOp::Branch(Op::Confirm) => 2,
        CallOp::Branch(Op::Cancel) => 3,
        CallOp::Branch(Op::Commit) => 4,
        CallOp::Branch(Op::Rollback) => 5,
        CallOp::Branch(Op::Message) => 6,
        CallOp::Branch(Op::Business) => 7,
        CallOp::Workflow(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_and_op_has_its_own_label() {
        let modes = Mode::ALL.map(|mode| MODELS[mode_index(mode)]);
        assert_eq!(modes, Mode::ALL.map(Mode::as_str));
        let ops = Op::ALL.map(|op| BRANCH_TYPES[op_index(&CallOp::Branch(op))]);
        assert_eq!(ops, Op::ALL.map(Op::as_str));
    }
}

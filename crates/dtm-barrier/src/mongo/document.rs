//! A row of the barrier as a document.

use mongodb::bson::{DateTime, Document, doc};

use crate::row::{Found, Row};

/// What names a row, in the order of the unique index.
pub(super) const KEY: [&str; 4] = ["gid", "branch_id", "op", "barrier_id"];

/// The filter that finds a row, whoever has written it.
pub(super) fn key(row: Row<'_>) -> Document {
    let values = [row.gid, row.branch_id, row.op, row.barrier_id];
    KEY.into_iter().zip(values).map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// The row. The fields are those of Go's SDK, and a time to delete by; the `_id` is unique even where the index is missing.
pub(super) fn document(row: Row<'_>, now: DateTime) -> Document {
    let mut document = doc! { "_id": key(row), "trans_type": row.mode };
    document.extend(key(row));
    document.insert("reason", row.reason);
    document.insert("create_time", now);
    document
}

/// What stands in a row. What is not a text counts as missing.
pub(super) fn found(document: &Document) -> Found {
    let text = |name: &str| document.get_str(name).ok().map(str::to_owned);
    let [gid, branch_id, op, barrier_id] = KEY;
    (text(gid), text(branch_id), text(op), text(barrier_id), text("reason"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BarrierError, BranchContext, BranchOp, Mode};

    fn compensation() -> BranchContext {
        BranchContext::new("order-1", "01", BranchOp::Compensate, Mode::Saga)
    }

    #[test]
    fn a_row_has_the_fields_of_the_other_sdks_and_an_id_that_is_unique_by_itself() {
        let context = compensation();
        let row = Row::new(&context, BranchOp::Action, "01").unwrap();
        let expected = doc! {
            "_id": { "gid": "order-1", "branch_id": "01", "op": "action", "barrier_id": "01" },
            "trans_type": "saga",
            "gid": "order-1",
            "branch_id": "01",
            "op": "action",
            "barrier_id": "01",
            "reason": "compensate",
            "create_time": DateTime::MAX,
        };
        assert_eq!(document(row, DateTime::MAX), expected);
    }

    #[test]
    fn a_row_of_go_is_read_and_one_of_another_call_or_without_texts_is_no_answer() {
        // defect M13
        let context = compensation();
        let row = Row::new(&context, BranchOp::Action, "01").unwrap();
        let of_go = doc! {
            "_id": 7, "trans_type": "saga", "gid": "order-1", "branch_id": "01", "op": "action", "barrier_id": "01",
            "reason": "action",
        };
        let read = |document: &Document| row.reason_of("c", Some(found(document)));
        assert_eq!(read(&of_go).unwrap(), "action");
        for (name, value) in [("gid", "Order-1"), ("op", "try"), ("barrier_id", "02")] {
            let mut other = of_go.clone();
            other.insert(name, value);
            assert!(matches!(read(&other), Err(BarrierError::Confused { .. })), "{name}");
            other.insert(name, 1);
            assert!(matches!(read(&other), Err(BarrierError::Confused { .. })), "{name} is a number");
        }
    }
}

//! The answers to requests that look at transactions.

use serde::Serialize;

use dtm_core::model::{Definition, State, Transaction, rows};

use super::encode::encode;
use super::transaction_view::{BranchView, TransactionView};

/// The answer to `query` (behaviour 27 to 29): the transaction with the text of its owner, and one branch per
/// row in storage order; `null` and no branches when there is no such transaction.
#[must_use]
pub fn query_body(transaction: Option<(&Transaction, &str)>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        branches: Vec<BranchView<'a>>,
        transaction: Option<TransactionView<'a>>,
    }
    let Some((transaction, owner)) = transaction else {
        return encode(&Body { branches: Vec::new(), transaction: None });
    };
    let definition = &transaction.definition;
    let rows = rows(transaction);
    let view = |row| BranchView::new(row, definition.gid.as_str(), definition.created_at);
    encode(&Body {
        branches: rows.iter().map(view).collect(),
        transaction: Some(TransactionView::new(definition, &transaction.state, owner)),
    })
}

/// The answer to `prepareWorkflow` (behaviour 26): as [`query_body`], but the branches are called progresses.
#[must_use]
pub fn progresses_body(transaction: &Transaction, owner: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        progresses: Vec<BranchView<'a>>,
        transaction: TransactionView<'a>,
    }
    let definition = &transaction.definition;
    let rows = rows(transaction);
    let view = |row| BranchView::new(row, definition.gid.as_str(), definition.created_at);
    encode(&Body {
        progresses: rows.iter().map(view).collect(),
        transaction: TransactionView::new(definition, &transaction.state, owner),
    })
}

/// The answer to `all` (behaviour 30, 31): each transaction with the text of its owner, and where the next
/// page begins; the empty text when there is none.
#[must_use]
pub fn all_body<'a>(
    transactions: impl IntoIterator<Item = (&'a Definition, &'a State, &'a str)>,
    next_position: &str,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        next_position: &'a str,
        transactions: Vec<TransactionView<'a>>,
    }
    let view = |(definition, state, owner)| TransactionView::new(definition, state, owner);
    encode(&Body { next_position, transactions: transactions.into_iter().map(view).collect() })
}

/// The answer to `resetCronTime` (behaviour 32).
#[must_use]
pub fn reset_cron_time_body(succeed_count: usize, has_remaining: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body {
        has_remaining: bool,
        succeed_count: usize,
    }
    encode(&Body { has_remaining, succeed_count })
}

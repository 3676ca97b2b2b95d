//! What can go wrong at the barrier. For a branch each of it means "try again later".

use std::error::Error as StdError;

/// Why the barrier could not decide, or could not keep what was done behind it. It becomes a
/// [`BranchError::Retry`](crate::BranchError::Retry), which never rolls back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BarrierError {
    /// The database did not do what the barrier asked for. Nothing is kept, or, if it was the commit, nobody knows; the next
    /// call finds out.
    #[error("the database did not {what}")]
    Database {
        /// What was asked for.
        what: String,
        /// What the database said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The table says that this call was there, and the row is another one's: the columns of the table are too short, or
    /// their collation takes different texts for equal.
    #[error(
        "the barrier table {table} takes this call ({call}) for another one ({other}): make its columns varchar(128) or longer \
         with a binary collation, as the files in schema do"
    )]
    Confused {
        /// The table.
        table: String,
        /// gid, branch id, op and barrier id of this call.
        call: String,
        /// Those of the row that was found; nothing when there is none.
        other: String,
    },
    /// A text of the call is longer than the column of the table.
    #[error("the {field} has {length} characters, and the barrier table keeps {max}")]
    TooLong {
        /// `gid` or `branch_id`.
        field: &'static str,
        /// Its length in characters.
        length: usize,
        /// What there is room for.
        max: usize,
    },
    /// A row that this version cannot read.
    #[error(
        "the row of message {gid} in the barrier table was inserted by '{reason}': expected msg or rollback"
    )]
    UnknownReason {
        /// The message.
        gid: String,
        /// What its row says.
        reason: String,
    },
    /// A key of the barrier in Redis holds something that no row of this transaction is: two transactions have the same key, or
    /// another program uses it.
    #[error(
        "a key of the barrier of {gid} in Redis holds '{found}', which is not from this transaction: choose other gids"
    )]
    KeyInUse {
        /// The transaction.
        gid: String,
        /// What is there.
        found: String,
    },
    /// A confirm or commit found less in Redis than it takes. It cannot say "no", so somebody has to look.
    #[error("there is too little at {key} for a call that cannot be refused any more")]
    Lack {
        /// The key of the amount.
        key: String,
    },
    /// The rows of the barrier in Redis have to be kept for a second at least.
    #[error(
        "the rows of the barrier have to be kept for a second at least, and longer than any transaction lives"
    )]
    NotKept,
    /// `xa_finish` commits and rolls back, and this call is neither.
    #[error("this is a call of {0}, not the second phase of XA: xa_finish is for commit and rollback")]
    NotASecondPhase(crate::BranchOp),
    /// A transaction is to be committed of which nothing is prepared, and nothing says that it has been committed.
    #[error(
        "{xid} is to be committed, and the database has neither a prepared transaction of that name nor the row of a committed \
         one: look at the database"
    )]
    NotPrepared {
        /// The name of the transaction.
        xid: String,
    },
    /// A transaction is to be rolled back that has been committed.
    #[error("{xid} is to be rolled back, and has been committed: somebody finished it by hand")]
    Committed {
        /// The name of the transaction.
        xid: String,
    },
    /// `enter` was called on a connection outside a transaction that sqlx has begun: the row would be kept before the business.
    #[error("the barrier works only inside a transaction of the database: begin one first")]
    NotInTransaction,
    /// The closure ended the database transaction, or an error that it did not pass on ended it. What it did up to there may
    /// be kept without the barrier, or be lost.
    #[error(
        "the closure behind the barrier ended the database transaction (a commit or rollback of its own, a statement that \
         commits, or an error of the database that it did not pass on): leave both to the barrier"
    )]
    Ended,
    /// An earlier call on the same barrier object failed. Another one would count as another call, and could take effect
    /// twice.
    #[error("this barrier has failed before: answer with that error, the transaction manager calls again")]
    Spent,
    /// `query_prepared` answers back-checks, and this call is none.
    #[error(
        "this is a call of {0}, not a back-check of a message: query_prepared belongs behind its query_prepared URL only"
    )]
    NotABackCheck(crate::BranchOp),
}

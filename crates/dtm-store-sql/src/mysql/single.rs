//! Batches of one kind, each of them one statement that commits itself: one round trip. A large one on states is a
//! transaction of few such statements.
//!
//! A statement writes all rows that it finds, or nothing: a gid that is taken, or a row that is not as its write
//! expects it, is an error that takes the whole statement back. Then the batch is written as `trans` does it, which
//! finds out whose fault it was.

use std::collections::HashSet;

use super::MySql;
use super::chunks::{BYTES, EACH, Sized, pieces};
use super::sql::{framed, own_now};
use crate::fault::Fault;
use crate::operation::{Change, Creation, Operation, holder};
use crate::session::Session;

/// `{gids}` is a `?` for each row, and `{value}` looks up the value that has the place of the row's gid.
///
/// The expectations come first, while every column still has its old value. A time cannot be null, so a row that is
/// not as expected fails the statement.
const STATES: &str = concat!(
    "UPDATE dtm_transaction t FORCE INDEX (dtm_transaction_gid) SET t.updated = IF(t.due IS NOT NULL AND ",
    framed!(),
    " AND t.status = {value} AND t.owner = {value} AND t.registered = {value}, ",
    own_now!(),
    ", NULL), t.status = {value}, t.due = {value}, t.finished = {value}, t.owner = {value}, t.held = {value}, \
     t.holder = {value}, t.state = {value} WHERE t.gid IN ({gids})"
);

pub(super) fn states() -> Sized {
    Sized::small(|rows| {
        let gids = vec!["?"; rows].join(", ");
        STATES.replace("{value}", "ELT(FIELD(t.gid, {gids}), {gids})").replace("{gids}", &gids)
    })
}

/// What the attempt came to.
pub(super) enum Single {
    Written(Vec<bool>),
    /// It was taken back. These gids are taken.
    Refused(HashSet<String>),
    /// It takes more than one statement, and nothing was tried.
    NotOne,
}

impl MySql {
    pub(super) async fn write_single(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        operations: &[&Operation],
    ) -> Result<Single, Fault> {
        let creations: Vec<&Creation> = operations.iter().filter_map(|one| one.creation()).collect();
        if creations.len() == operations.len() {
            return self.create_single(session, operations, &creations).await;
        }
        let changes: Vec<&Change> = operations.iter().filter_map(|one| one.change()).collect();
        // a time of finishing that only the database knows has no place in a list
        let plain = changes.iter().all(|change| change.due.is_none() == change.finished.is_some());
        let longest = changes.iter().map(|change| change.state.len()).max().unwrap_or(0);
        let fits = changes.len() == 1 || longest <= BYTES.min(self.text_max) / EACH / 2;
        if changes.len() != operations.len() || !plain || !fits {
            return Ok(Single::NotOne);
        }
        self.give_now(session).await?;
        let written = if changes.len() <= EACH {
            self.change_single(session, operations, &changes).await
        } else {
            self.change_many(session, &changes).await
        };
        match written {
            Err(Fault::Mismatch) => Ok(Single::Refused(HashSet::new())),
            written => Ok(Single::Written(written?)),
        }
    }

    async fn create_single(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        operations: &[&Operation],
        creations: &[&Creation],
    ) -> Result<Single, Fault> {
        if pieces(creations, |creation| creation.bytes()).len() != 1 {
            return Ok(Single::NotOne);
        }
        self.give_now(session).await?;
        match self.create_rows(session, creations).await {
            Ok(()) => Ok(Single::Written(vec![true; creations.len()])),
            Err(Fault::Duplicate) => {
                let taken = self.existing(session, operations).await?;
                Ok(Single::Refused(taken.into_iter().collect()))
            }
            Err(fault) => Err(fault),
        }
    }

    async fn change_single(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        operations: &[&Operation],
        changes: &[&Change],
    ) -> Result<Vec<bool>, Fault> {
        let written = self.change_at_once(session, changes).await?;
        if written == changes.len() || written == 0 {
            return Ok(vec![written > 0; changes.len()]);
        }
        // the others are not there, and what is not there does not come back with the same owner
        let gids: Vec<String> = operations.iter().map(|operation| operation.gid().to_string()).collect();
        let there: HashSet<String> =
            self.heads_in(session, &gids).await?.into_iter().map(|head| head.gid).collect();
        if there.len() != written {
            return Err(Fault::Lost("rows came or went while it was written: read again".to_owned()));
        }
        Ok(gids.iter().map(|gid| there.contains(gid)).collect())
    }

    async fn change_many(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        changes: &[&Change],
    ) -> Result<Vec<bool>, Fault> {
        session.begin().await?;
        for piece in changes.chunks(EACH) {
            let written = self.change_at_once(session, piece).await;
            let all = written.as_ref().is_ok_and(|written| *written == piece.len());
            if !all {
                if !matches!(written, Err(Fault::Lost(_))) {
                    session.roll_back().await?;
                }
                return Err(written.err().unwrap_or(Fault::Mismatch));
            }
        }
        session.commit().await?;
        Ok(vec![true; changes.len()])
    }

    /// How many of the rows were there, and so were written.
    async fn change_at_once(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        changes: &[&Change],
    ) -> Result<usize, Fault> {
        let mut statement = sqlx::query(self.statements.states.of(changes.len()));
        /// Binds the gids, and a value for each.
        macro_rules! list {
            (|$change:ident| $value:expr) => {
                statement =
                    changes.iter().fold(statement, |all, one| all.bind(one.commit.gid.as_str().as_bytes()));
                statement = changes.iter().fold(statement, |all, $change| all.bind($value));
            };
        }
        list!(|change| change.commit.expect.status.as_str());
        list!(|change| change.commit.expect.owner.to_string().into_bytes());
        list!(|change| change.registered);
        list!(|change| change.commit.state.status.as_str());
        list!(|change| change.due);
        list!(|change| change.finished);
        list!(|change| change.owner().0.to_string().into_bytes());
        list!(|change| change.owner().1);
        list!(|change| change.due.map(|_| holder(change.owner().0, change.owner().1).into_bytes()));
        list!(|change| change.state.as_str());
        for change in changes {
            statement = statement.bind(change.commit.gid.as_str().as_bytes());
        }
        Ok(usize::try_from(session.change(statement).await?).unwrap_or(usize::MAX))
    }
}

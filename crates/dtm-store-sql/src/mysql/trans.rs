//! Transactions: creation, state, branches. One database transaction a batch, unless one statement will do (`single`).
//!
//! Rows that are to be changed are locked and read first, and compared here, with the code that all stores share. What
//! may be changed is then written by statements on many rows: an `INSERT` with the id of a row that is locked, and so
//! is there, only ever takes the way of `ON DUPLICATE KEY UPDATE`.

use std::collections::{HashMap, HashSet};

use dtm_core::model::Gid;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::MySql;
use super::chunks::{Sized, padded, pieces};
use super::error::fault;
use super::load::{branches, text};
use super::single::Single;
use super::sql::{framed, own_now};
use crate::fault::Fault;
use crate::operation::{Appending, Change, Creation, Operation, holder};
use crate::record::HeadRecord;
use crate::session::Session;

/// The statements that exist in several sizes.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) branches: Sized,
    pub(super) pick: Sized,
    pub(super) claim: Sized,
    pub(super) reschedule: Sized,
    pub(super) remove: Sized,
    pub(super) remove_branches: Sized,
    heads: Sized,
    lock: Sized,
    pub(super) states: Sized,
    create: Sized,
    change: Sized,
    count: Sized,
    append: Sized,
}

const HEADS: &str = concat!(
    "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, ",
    framed!(),
    " AS framed FROM dtm_transaction t WHERE t.gid IN ("
);

impl Statements {
    pub(super) fn new(skip_locked: bool) -> Self {
        Self {
            branches: branches(),
            pick: super::lease::pick(skip_locked),
            claim: super::lease::claim(),
            reschedule: super::lease::reschedule(),
            remove: super::purge::remove(),
            remove_branches: super::purge::remove_branches(),
            heads: Sized::new(HEADS, "?", ")"),
            lock: Sized::new(HEADS, "?", ") ORDER BY t.gid FOR UPDATE"),
            states: super::single::states(),
            create: Sized::new(
                "INSERT INTO dtm_transaction (gid, mode, status, created, recorded, updated, due, owner, held, holder, \
                 registered, definition, state) VALUES ",
                concat!("(?, ?, ?, ?, ", own_now!(), ", ", own_now!(), ", ?, ?, ?, ?, 0, ?, ?)"),
                "",
            ),
            change: Sized::new(
                "INSERT INTO dtm_transaction (id, gid, mode, status, created, recorded, updated, due, finished, owner, \
                 held, holder, registered, definition, state) VALUES ",
                "(?, ?, '', ?, 0, 0, @dtm_now, ?, IF(?, COALESCE(?, @dtm_now), NULL), ?, ?, ?, 0, '', ?)",
                " ON DUPLICATE KEY UPDATE status = VALUES(status), updated = VALUES(updated), due = VALUES(due), \
                 finished = VALUES(finished), owner = VALUES(owner), held = VALUES(held), holder = VALUES(holder), \
                 state = VALUES(state)",
            ),
            count: Sized::new(
                "INSERT INTO dtm_transaction (id, gid, mode, status, created, recorded, updated, owner, held, \
                 registered, definition, state) VALUES ",
                "(?, ?, '', '', 0, 0, @dtm_now, '', 0, ?, '', '')",
                " ON DUPLICATE KEY UPDATE updated = VALUES(updated), registered = VALUES(registered)",
            ),
            append: Sized::new(
                "INSERT INTO dtm_branch (transaction_id, position, registration) VALUES ",
                "(?, ?, ?)",
                "",
            ),
        }
    }
}

/// What a batch does to rows that are there and locked, by id.
#[derive(Default)]
struct Accepted<'a> {
    changes: Vec<(i64, &'a Change)>,
    counts: Vec<(i64, &'a Appending)>,
    branches: Vec<(i64, i32, &'a str)>,
}

impl MySql {
    pub(super) async fn write_all(&self, operations: &[&Operation]) -> Result<Vec<bool>, Fault> {
        self.check_sizes(operations)?;
        let mut session = self.writer().await?;
        let mut taken = match self.write_single(&mut session, operations).await? {
            Single::Written(written) => return Ok(written),
            Single::Refused(taken) => taken,
            Single::NotOne => HashSet::new(),
        };
        loop {
            match self.write_in(&mut session, operations, &taken).await {
                Ok(written) => return Ok(written),
                Err(Fault::Lost(detail)) => return Err(Fault::Lost(detail)),
                Err(Fault::Duplicate) => {
                    session.roll_back().await?;
                    let before = taken.len();
                    taken.extend(self.existing(&mut session, operations).await?);
                    if taken.len() == before {
                        return Err(Fault::Contended("a gid was there for a moment".to_owned()));
                    }
                }
                Err(fault) => {
                    // whatever comes of it: a connection that is not in order is not used again
                    if let Err(second) = session.roll_back().await {
                        tracing::debug!(?second, "a transaction could not be taken back in order");
                    }
                    return Err(fault);
                }
            }
        }
    }

    /// A statement that is too long would end the connection, and nobody would know what happened.
    fn check_sizes(&self, operations: &[&Operation]) -> Result<(), Fault> {
        let longest = |operation: &&Operation| match operation {
            Operation::Create(creation) => creation.bytes(),
            Operation::Commit(change) => change.state.len(),
            Operation::Register(appending) => appending.branches.iter().map(String::len).max().unwrap_or(0),
        };
        let longest = operations.iter().map(longest).max().unwrap_or(0);
        if longest <= self.text_max {
            return Ok(());
        }
        Err(Fault::Content(format!(
            "{longest} bytes are more than the {} that the database takes in one statement: raise max_allowed_packet \
             and start the server again",
            self.text_max
        )))
    }

    async fn write_in(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        operations: &[&Operation],
        taken: &HashSet<String>,
    ) -> Result<Vec<bool>, Fault> {
        self.give_now(session).await?;
        self.begin_now(session).await?;
        let there: Vec<&Gid> = operations
            .iter()
            .filter(|operation| !matches!(operation, Operation::Create(_)))
            .map(|operation| operation.gid())
            .collect();
        let heads = self.lock(session, &there).await?;
        let mut accepted = Accepted::default();
        let mut created: Vec<&Creation> = Vec::new();
        let mut written = Vec::with_capacity(operations.len());
        for operation in operations {
            let took_effect = match operation {
                Operation::Create(creation) => {
                    let free = !taken.contains(creation.gid.as_str());
                    created.extend(free.then_some(creation));
                    free
                }
                Operation::Commit(_) | Operation::Register(_) => heads
                    .get(operation.gid().as_str())
                    .is_some_and(|(id, head)| accepted.add(*id, head, operation)),
            };
            written.push(took_effect);
        }
        self.create_rows(session, &created).await?;
        self.change_rows(session, &accepted.changes).await?;
        self.append_rows(session, &accepted).await?;
        session.commit().await?;
        Ok(written)
    }

    async fn lock(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        gids: &[&Gid],
    ) -> Result<HashMap<String, (i64, HeadRecord)>, Fault> {
        let mut heads = HashMap::with_capacity(gids.len());
        for piece in padded(gids) {
            let mut statement = sqlx::query(self.statements.lock.of(piece.len()));
            for gid in &piece {
                statement = statement.bind(gid.as_str().as_bytes());
            }
            for row in session.rows(statement).await? {
                let id: i64 = row.try_get("id").map_err(fault)?;
                let head = head(&row).map_err(fault)?;
                heads.insert(head.gid.clone(), (id, head));
            }
        }
        Ok(heads)
    }

    pub(super) async fn create_rows(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        created: &[&Creation],
    ) -> Result<(), Fault> {
        for piece in pieces(created, |creation| creation.bytes()) {
            let mut statement = sqlx::query(self.statements.create.of(piece.len()));
            for creation in piece {
                let owner = &creation.owner;
                statement = statement
                    .bind(creation.gid.as_str().as_bytes())
                    .bind(creation.mode.as_str())
                    .bind(creation.status.as_str())
                    .bind(creation.created)
                    .bind(creation.due)
                    .bind(owner.token.to_string().into_bytes())
                    .bind(owner.held)
                    .bind(holder(&owner.token, owner.held).into_bytes())
                    .bind(creation.definition.as_str())
                    .bind(creation.state.as_str());
            }
            session.rows(statement).await?;
        }
        Ok(())
    }

    async fn change_rows(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        changes: &[(i64, &Change)],
    ) -> Result<(), Fault> {
        for piece in pieces(changes, |(_, change)| change.state.len()) {
            let mut statement = sqlx::query(self.statements.change.of(piece.len()));
            for (id, change) in piece {
                let (owner, held) = change.owner();
                statement = statement
                    .bind(*id)
                    .bind(change.commit.gid.as_str().as_bytes())
                    .bind(change.commit.state.status.as_str())
                    .bind(change.due)
                    .bind(change.due.is_none())
                    .bind(change.finished)
                    .bind(owner.to_string().into_bytes())
                    .bind(held)
                    .bind(change.due.map(|_| holder(owner, held).into_bytes()))
                    .bind(change.state.as_str());
            }
            session.rows(statement).await?;
        }
        Ok(())
    }

    async fn append_rows(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        accepted: &Accepted<'_>,
    ) -> Result<(), Fault> {
        for piece in pieces(&accepted.counts, |_| 0) {
            let mut statement = sqlx::query(self.statements.count.of(piece.len()));
            for (id, appending) in piece {
                let count = appending.registered.saturating_add(appending.count);
                statement = statement.bind(*id).bind(appending.gid.as_str().as_bytes()).bind(count);
            }
            session.rows(statement).await?;
        }
        for piece in pieces(&accepted.branches, |(_, _, text)| text.len()) {
            let mut statement = sqlx::query(self.statements.append.of(piece.len()));
            for (id, position, text) in piece {
                statement = statement.bind(*id).bind(*position).bind(*text);
            }
            session.rows(statement).await?;
        }
        Ok(())
    }

    /// Which of the creations are of gids that are taken.
    pub(super) async fn existing(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        operations: &[&Operation],
    ) -> Result<Vec<String>, Fault> {
        let created = operations.iter().filter(|operation| matches!(operation, Operation::Create(_)));
        let gids: Vec<String> = created.map(|operation| operation.gid().to_string()).collect();
        let heads = self.heads_in(session, &gids).await?;
        Ok(heads.into_iter().map(|head| head.gid).collect())
    }

    pub(super) async fn read_heads(&self, gids: &[String]) -> Result<Vec<HeadRecord>, Fault> {
        self.heads_in(&mut self.writer().await?, gids).await
    }

    pub(super) async fn heads_in(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        gids: &[String],
    ) -> Result<Vec<HeadRecord>, Fault> {
        let mut heads = Vec::with_capacity(gids.len());
        for piece in padded(gids) {
            let mut statement = sqlx::query(self.statements.heads.of(piece.len()));
            for gid in &piece {
                statement = statement.bind(gid.as_bytes());
            }
            for row in session.rows(statement).await? {
                heads.push(head(&row).map_err(fault)?);
            }
        }
        Ok(heads)
    }
}

impl<'a> Accepted<'a> {
    /// Takes the operation up if what is stored is what it expects.
    fn add(&mut self, id: i64, found: &HeadRecord, operation: &'a Operation) -> bool {
        let Ok(head) = found.head(operation.gid()) else { return false };
        match operation {
            Operation::Create(_) => false,
            Operation::Commit(change) => {
                let accepted = head.due.is_some() && head.committed(&change.commit).is_ok();
                self.changes.extend(accepted.then_some((id, &**change)));
                accepted
            }
            Operation::Register(appending) => {
                let registered = usize::try_from(appending.registered).unwrap_or(usize::MAX);
                let accepted = head.registered(&appending.gid, &appending.owner, registered, 0).is_ok();
                if accepted {
                    self.counts.push((id, appending));
                    let positions = (appending.registered..).zip(&appending.branches);
                    self.branches.extend(positions.map(|(position, text)| (id, position, text.as_str())));
                }
                accepted
            }
        }
    }
}

fn head(row: &MySqlRow) -> Result<HeadRecord, sqlx::Error> {
    Ok(HeadRecord {
        gid: text(row, "gid")?,
        status: text(row, "status")?,
        owner: text(row, "owner")?,
        held: row.try_get("held")?,
        due: row.try_get("due")?,
        registered: row.try_get("registered")?,
        framed: row.try_get::<i64, _>("framed")? == 1,
    })
}

//! Transactions: creation, state, branches. One statement a batch.

use std::collections::HashSet;

use sqlx::Row as _;

use super::Postgres;
use super::error::fault;
use super::sql::{framed, now};
use crate::fault::Fault;
use crate::operation::{Change, Creation, Operation, holder};
use crate::record::HeadRecord;
use crate::server::Statement;

macro_rules! clock {
    () => {
        concat!("WITH clock AS MATERIALIZED (SELECT ", now!(), " AS now), ")
    };
}

macro_rules! created {
    () => {
        "created AS ( \
            INSERT INTO dtm_transaction (gid, mode, status, created, recorded, updated, due, owner, held, holder, \
                registered, definition, state) \
            SELECT n.gid, n.mode, n.status, n.created, clock.now, clock.now, n.due, n.owner, n.held, n.holder, \
                0, n.definition, n.state \
            FROM clock, unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], \
                $8::boolean[], $9::text[], $10::text[], $11::text[]) \
                AS n (gid, mode, status, created, due, owner, held, holder, definition, state) \
            ON CONFLICT (gid) DO NOTHING \
            RETURNING gid) "
    };
}

/// The numbers of the parameters; a statement has no gap in them.
macro_rules! committed {
    ($gid:literal, $old_status:literal, $old_owner:literal, $registered:literal, $status:literal, $due:literal,
     $finished:literal, $owner:literal, $held:literal, $holder:literal, $state:literal) => {
        concat!(
            "committed AS ( \
                UPDATE dtm_transaction t SET status = w.status, updated = clock.now, due = w.due, owner = w.owner, \
                    held = w.held, holder = w.holder, state = w.state, \
                    finished = CASE WHEN w.due IS NULL THEN coalesce(w.finished, clock.now) END \
                FROM clock, unnest(",
            $gid, "::text[], ", $old_status, "::text[], ", $old_owner, "::text[], ", $registered, "::integer[], ",
            $status, "::text[], ", $due, "::bigint[], ", $finished, "::bigint[], ", $owner, "::text[], ",
            $held, "::boolean[], ", $holder, "::text[], ", $state,
            "::text[]) \
                AS w (gid, old_status, old_owner, registered, status, due, finished, owner, held, holder, state) \
                WHERE t.gid = w.gid AND t.status = w.old_status AND t.owner = w.old_owner \
                    AND t.registered = w.registered AND t.due IS NOT NULL AND ",
            framed!(),
            " RETURNING t.gid) "
        )
    };
}

/// All three kinds of operations at once, and the gids of those that took effect. Rows are locked in the order of the
/// arrays, which is that of the gids. A row that somebody else has changed meanwhile is compared anew ("read
/// committed"), so the conditions hold for what is replaced.
const WRITE: &str = concat!(
    clock!(),
    created!(),
    ", ",
    committed!("$12", "$13", "$14", "$15", "$16", "$17", "$18", "$19", "$20", "$21", "$22"),
    ", counted AS ( \
        UPDATE dtm_transaction t SET registered = r.registered + r.count, updated = clock.now \
        FROM clock, unnest($23::text[], $24::integer[], $25::integer[], $26::integer[], $30::text[]) \
            AS r (gid, registered, count, number, owner) \
        WHERE t.gid = r.gid AND t.status = 'prepared' AND t.owner = r.owner AND t.registered = r.registered AND ",
    framed!(),
    " RETURNING t.gid, t.id, r.number), \
    appended AS ( \
        INSERT INTO dtm_branch (transaction_id, position, registration) \
        SELECT counted.id, b.position, b.registration \
        FROM unnest($27::integer[], $28::integer[], $29::text[]) AS b (number, position, registration) \
            JOIN counted ON counted.number = b.number) \
    SELECT gid FROM created UNION ALL SELECT gid FROM committed UNION ALL SELECT gid FROM counted"
);

/// The same for creations only: there is less to begin.
const CREATE: &str = concat!(clock!(), created!(), "SELECT gid FROM created");

/// The same for states only.
const CHANGE: &str = concat!(
    clock!(),
    committed!("$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12"),
    "SELECT gid FROM committed"
);

const HEADS: &str = concat!(
    "SELECT t.gid, t.status, t.owner, t.held, t.due, t.registered, ",
    framed!(),
    " AS framed FROM dtm_transaction t WHERE t.gid = ANY($1)"
);

impl Postgres {
    pub(super) async fn write_all(&self, operations: &[&Operation]) -> Result<Vec<bool>, Fault> {
        let Columns { created, changed, appended } = Columns::new(operations);
        let now = self.given_now();
        let statement = match (created.gid.is_empty(), changed.gid.is_empty(), appended.gid.is_empty()) {
            (false, true, true) => created.bind(sqlx::query(CREATE).bind(now)),
            (true, false, true) => changed.bind(sqlx::query(CHANGE).bind(now)),
            _ => appended.bind(changed.bind(created.bind(sqlx::query(WRITE).bind(now)))),
        };
        let rows = self.writer().await?.rows(statement).await?;
        let written: HashSet<&str> =
            rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(fault)?;
        Ok(operations.iter().map(|operation| written.contains(operation.gid().as_str())).collect())
    }

    pub(super) async fn read_heads(&self, gids: &[String]) -> Result<Vec<HeadRecord>, Fault> {
        let rows = self.writer().await?.rows(sqlx::query(HEADS).bind(gids)).await?;
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(HeadRecord {
                gid: row.try_get("gid")?,
                status: row.try_get("status")?,
                owner: row.try_get("owner")?,
                held: row.try_get("held")?,
                due: row.try_get("due")?,
                registered: row.try_get("registered")?,
                framed: row.try_get("framed")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(fault)
    }
}

type Bound<'a> = Statement<'a, sqlx::Postgres>;

/// The operations by kind and column, as arrays.
#[derive(Default)]
struct Columns<'a> {
    created: Created<'a>,
    changed: Changed<'a>,
    appended: Appended<'a>,
}

#[derive(Default)]
struct Created<'a> {
    gid: Vec<&'a str>,
    mode: Vec<&'a str>,
    status: Vec<&'a str>,
    created: Vec<i64>,
    due: Vec<i64>,
    owner: Vec<String>,
    held: Vec<bool>,
    holder: Vec<String>,
    definition: Vec<&'a str>,
    state: Vec<&'a str>,
}

#[derive(Default)]
struct Changed<'a> {
    gid: Vec<&'a str>,
    old_status: Vec<&'a str>,
    old_owner: Vec<String>,
    registered: Vec<i32>,
    status: Vec<&'a str>,
    due: Vec<Option<i64>>,
    finished: Vec<Option<i64>>,
    owner: Vec<String>,
    held: Vec<bool>,
    holder: Vec<Option<String>>,
    state: Vec<&'a str>,
}

#[derive(Default)]
struct Appended<'a> {
    gid: Vec<&'a str>,
    owner: Vec<String>,
    registered: Vec<i32>,
    count: Vec<i32>,
    number: Vec<i32>,
    branch_of: Vec<i32>,
    position: Vec<i32>,
    registration: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn new(operations: &[&'a Operation]) -> Self {
        let mut columns = Self::default();
        for (number, operation) in (0..).zip(operations) {
            match operation {
                Operation::Create(creation) => columns.created.push(creation),
                Operation::Commit(change) => columns.changed.push(change),
                Operation::Register(appending) => {
                    let appended = &mut columns.appended;
                    appended.gid.push(appending.gid.as_str());
                    appended.owner.push(appending.owner.to_string());
                    appended.registered.push(appending.registered);
                    appended.count.push(appending.count);
                    appended.number.push(number);
                    for (position, branch) in (appending.registered..).zip(&appending.branches) {
                        appended.branch_of.push(number);
                        appended.position.push(position);
                        appended.registration.push(branch);
                    }
                }
            }
        }
        columns
    }
}

impl<'a> Created<'a> {
    fn bind(self, statement: Bound<'a>) -> Bound<'a> {
        statement
            .bind(self.gid)
            .bind(self.mode)
            .bind(self.status)
            .bind(self.created)
            .bind(self.due)
            .bind(self.owner)
            .bind(self.held)
            .bind(self.holder)
            .bind(self.definition)
            .bind(self.state)
    }

    fn push(&mut self, creation: &'a Creation) {
        self.gid.push(creation.gid.as_str());
        self.mode.push(creation.mode.as_str());
        self.status.push(creation.status.as_str());
        self.created.push(creation.created);
        self.due.push(creation.due);
        self.owner.push(creation.owner.token.to_string());
        self.held.push(creation.owner.held);
        self.holder.push(holder(&creation.owner.token, creation.owner.held));
        self.definition.push(&creation.definition);
        self.state.push(&creation.state);
    }
}

impl<'a> Changed<'a> {
    fn bind(self, statement: Bound<'a>) -> Bound<'a> {
        statement
            .bind(self.gid)
            .bind(self.old_status)
            .bind(self.old_owner)
            .bind(self.registered)
            .bind(self.status)
            .bind(self.due)
            .bind(self.finished)
            .bind(self.owner)
            .bind(self.held)
            .bind(self.holder)
            .bind(self.state)
    }

    fn push(&mut self, change: &'a Change) {
        let (owner, held) = change.owner();
        self.gid.push(change.commit.gid.as_str());
        self.old_status.push(change.commit.expect.status.as_str());
        self.old_owner.push(change.commit.expect.owner.to_string());
        self.registered.push(change.registered);
        self.status.push(change.commit.state.status.as_str());
        self.due.push(change.due);
        self.finished.push(change.finished);
        self.owner.push(owner.to_string());
        self.held.push(held);
        self.holder.push(change.due.map(|_| holder(owner, held)));
        self.state.push(&change.state);
    }
}

impl<'a> Appended<'a> {
    fn bind(self, statement: Bound<'a>) -> Bound<'a> {
        statement
            .bind(self.gid)
            .bind(self.registered)
            .bind(self.count)
            .bind(self.number)
            .bind(self.branch_of)
            .bind(self.position)
            .bind(self.registration)
            .bind(self.owner)
    }
}

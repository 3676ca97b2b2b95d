//! Who gets what is due, and what is made due.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Claims, NodeName, OwnerToken, Ownership, Rescheduled, Stored};
use rand::Rng as _;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::MySql;
use super::chunks::{Sized, padded, pieces};
use super::error::fault;
use super::load::{record, text};
use super::sql::framed;
use crate::fault::Fault;
use crate::lease::Wanted;
use crate::operation::holder;
use crate::record::Record;
use crate::session::Session;

/// Holders are few, and each is one step into the index.
const HOLDERS: &str = "SELECT DISTINCT holder FROM dtm_transaction WHERE holder > ''";

const ALIVE: &str = "SELECT name, epoch FROM dtm_node WHERE heartbeat >= @dtm_now - COALESCE(alive_for, ?)";

const FREE: &str = "SELECT t.id, t.holder, t.due FROM dtm_transaction t WHERE t.holder = '' AND t.due <= @dtm_now \
    ORDER BY t.due LIMIT ?";

const OF_HOLDER: &str = "SELECT t.id, t.holder, t.due FROM dtm_transaction t WHERE t.holder = ? AND t.due IS NOT NULL ORDER BY t.due LIMIT ?";

const OWN: &str = "SELECT t.id, t.holder, t.due, t.owner FROM dtm_transaction t WHERE t.holder = ?";

/// Ids that match, without locks.
const MATCHING: &str = concat!(
    "SELECT t.id FROM dtm_transaction t WHERE t.holder IS NOT NULL AND t.due > ? \
     AND SUBSTRING_INDEX(t.holder, ':', 1) <> ? AND ",
    framed!(),
    " ORDER BY t.id LIMIT ?"
);

/// Locks what is free of locks. A database that cannot step over locked rows waits for whoever has them, and shows them as
/// they are then.
pub(super) fn pick(skip_locked: bool) -> Sized {
    let end = if skip_locked {
        ") ORDER BY t.due, t.id FOR UPDATE SKIP LOCKED"
    } else {
        ") ORDER BY t.due, t.id FOR UPDATE"
    };
    Sized::new(
        "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, t.definition, t.state, t.holder \
         FROM dtm_transaction t WHERE t.id IN (",
        "?",
        end,
    )
}

/// Rows that are locked and there; see `trans`.
pub(super) fn claim() -> Sized {
    Sized::new(
        "INSERT INTO dtm_transaction (id, gid, mode, status, created, recorded, updated, owner, held, holder, \
         registered, definition, state) VALUES ",
        "(?, ?, '', '', 0, 0, @dtm_now, ?, 1, ?, 0, '', '')",
        " ON DUPLICATE KEY UPDATE updated = VALUES(updated), owner = VALUES(owner), held = VALUES(held), \
         holder = VALUES(holder)",
    )
}

/// The conditions once more, because the rows were not locked when they were found: a time, a node, ids.
pub(super) fn reschedule() -> Sized {
    Sized::new(
        "UPDATE dtm_transaction t SET t.due = @dtm_now, t.held = 0, t.holder = '', t.updated = @dtm_now \
         WHERE t.holder IS NOT NULL AND t.due > ? AND SUBSTRING_INDEX(t.holder, ':', 1) <> ? AND t.id IN (",
        "?",
        ")",
    )
}

/// How many more candidates are looked at than are wanted: others may be taking the first ones right now.
const SURPLUS: usize = 4;

/// How often to look again when others had locked all that could be claimed.
const LOOKS: u32 = 20;

/// What could be claimed, as it was when it was found.
#[derive(Debug)]
struct Candidate {
    id: i64,
    holder: String,
    due: i64,
}

impl MySql {
    pub(super) async fn claim_all(&self, wanted: &Wanted<'_>) -> Result<Claims, Fault> {
        let mut claims = Claims::default();
        for _ in 0..LOOKS {
            let mut session = self.writer().await?;
            self.set_now(&mut session).await?;
            let candidates = self.candidates(&mut session, wanted).await?;
            if candidates.is_empty() {
                return Ok(claims);
            }
            session.begin().await?;
            let picked = self.pick(&mut session, &candidates, wanted.tokens.len()).await?;
            let (good, damaged) = wanted.known.sort_out(&picked);
            claims.damaged.extend(damaged);
            if good.is_empty() {
                session.roll_back().await?;
                // what is locked is being claimed or written by others; what they leave may be for us
                let pause = Duration::from_millis(rand::rng().random_range(1..=10));
                tokio::time::sleep(pause).await;
                continue;
            }
            claims.claimed = self.take(&mut session, good, wanted.tokens).await?;
            session.commit().await?;
            return Ok(claims);
        }
        Ok(claims)
    }

    /// Longest due first: of nobody and due, of each holder that is dead, and what a lost claim of our own may have left.
    async fn candidates(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Candidate>, Fault> {
        let known: HashSet<i64> = wanted.known.ids().into_iter().collect();
        let limit = rows(wanted.tokens.len().saturating_mul(SURPLUS).saturating_add(known.len()));
        let mut found = candidates(&session.rows(sqlx::query(FREE).bind(limit)).await?)?;
        let own = own_holder(wanted.tokens);
        for dead in self.dead(session, &own).await? {
            let statement = sqlx::query(OF_HOLDER).bind(dead.into_bytes()).bind(limit);
            found.extend(candidates(&session.rows(statement).await?)?);
        }
        if !wanted.unsettled.is_empty() {
            for row in session.rows(sqlx::query(OWN).bind(own.into_bytes())).await? {
                if wanted.unsettled.contains(&text(&row, "owner").map_err(fault)?) {
                    found.push(candidate(&row)?);
                }
            }
        }
        found.retain(|candidate| !known.contains(&candidate.id));
        found.sort_unstable_by_key(|candidate| (candidate.due, candidate.id));
        Ok(found)
    }

    /// Holders that are not alive, except ourselves.
    async fn dead(&self, session: &mut Session<'_, sqlx::MySql>, own: &str) -> Result<Vec<String>, Fault> {
        let mut alive: HashSet<String> = HashSet::from([own.to_owned()]);
        for row in session.rows(sqlx::query(ALIVE).bind(self.node_timeout)).await? {
            let (name, epoch) =
                (text(&row, "name").map_err(fault)?, row.try_get::<i64, _>("epoch").map_err(fault)?);
            alive.insert(format!("{name}:{epoch}"));
        }
        let mut dead = Vec::new();
        for row in session.rows(sqlx::query(HOLDERS)).await? {
            let holder = text(&row, "holder").map_err(fault)?;
            if !alive.contains(&holder) {
                dead.push(holder);
            }
        }
        Ok(dead)
    }

    /// Locks the first that nobody else has locked and that are still as they were found.
    async fn pick(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        candidates: &[Candidate],
        count: usize,
    ) -> Result<Vec<Record>, Fault> {
        let expected: HashMap<i64, &Candidate> =
            candidates.iter().map(|candidate| (candidate.id, candidate)).collect();
        let ids: Vec<i64> = candidates.iter().map(|candidate| candidate.id).collect();
        let (mut picked, mut rest) = (Vec::with_capacity(count), ids.as_slice());
        while picked.len() < count && !rest.is_empty() {
            let (next, others) = rest.split_at(rest.len().min(count - picked.len()));
            rest = others;
            for piece in padded(next) {
                let mut statement = sqlx::query(self.statements.pick.of(piece.len()));
                for id in &piece {
                    statement = statement.bind(*id);
                }
                for row in session.rows(statement).await? {
                    let record = record(&row).map_err(fault)?;
                    let holder = super::load::optional_text(&row, "holder").map_err(fault)?;
                    let same = expected.get(&record.id).is_some_and(|candidate| {
                        holder.as_deref() == Some(candidate.holder.as_str())
                            && record.due == Some(candidate.due)
                    });
                    picked.extend(same.then_some(record));
                }
            }
        }
        self.add_branches(session, &mut picked).await?;
        Ok(picked)
    }

    async fn take(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        good: Vec<(i64, Stored)>,
        tokens: &[OwnerToken],
    ) -> Result<Vec<Stored>, Fault> {
        let own = own_holder(tokens);
        let pairs: Vec<(&(i64, Stored), &OwnerToken)> = good.iter().zip(tokens).collect();
        for piece in pieces(&pairs, |_| 0) {
            let mut statement = sqlx::query(self.statements.claim.of(piece.len()));
            for ((id, stored), token) in piece {
                statement = statement
                    .bind(*id)
                    .bind(stored.transaction.gid().as_str().as_bytes())
                    .bind(token.to_string().into_bytes())
                    .bind(own.as_bytes());
            }
            session.rows(statement).await?;
        }
        let claim = |((_, stored), token): ((i64, Stored), &OwnerToken)| Stored {
            owner: Ownership { token: token.clone(), held: true },
            ..stored
        };
        Ok(good.into_iter().zip(tokens).map(claim).collect())
    }

    pub(super) async fn reschedule_some(
        &self,
        later_than: Timestamp,
        limit: i64,
        except: &NodeName,
    ) -> Result<Rescheduled, Fault> {
        let later_than = i64::try_from(later_than.as_millis()).unwrap_or(i64::MAX);
        let except = except.as_str().as_bytes();
        let mut session = self.writer().await?;
        let statement = sqlx::query(MATCHING).bind(later_than).bind(except).bind(limit.saturating_add(1));
        let found = session.rows(statement).await?;
        let mut ids: Vec<i64> =
            found.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>().map_err(fault)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_remaining = ids.len() > limit;
        ids.truncate(limit);
        self.begin_now(&mut session).await?;
        let mut count = 0;
        for piece in padded(&ids) {
            let mut statement =
                sqlx::query(self.statements.reschedule.of(piece.len())).bind(later_than).bind(except);
            for id in &piece {
                statement = statement.bind(*id);
            }
            count += usize::try_from(session.change(statement).await?).unwrap_or(0);
        }
        session.commit().await?;
        Ok(Rescheduled { count, has_remaining })
    }
}

fn candidates(rows: &[MySqlRow]) -> Result<Vec<Candidate>, Fault> {
    rows.iter().map(candidate).collect()
}

fn candidate(row: &MySqlRow) -> Result<Candidate, Fault> {
    let read =
        || Ok(Candidate { id: row.try_get("id")?, holder: text(row, "holder")?, due: row.try_get("due")? });
    read().map_err(fault)
}

/// All tokens of a claim are of one start of one node.
fn own_holder(tokens: &[OwnerToken]) -> String {
    tokens.first().map_or_else(String::new, |token| holder(token, true))
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

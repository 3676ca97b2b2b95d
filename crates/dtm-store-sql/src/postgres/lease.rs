//! Who gets what is due, and what is made due.

use std::collections::HashMap;
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Claims, NodeName, OwnerToken, Ownership, Rescheduled, Stored};
use rand::Rng as _;
use sqlx::Row as _;

use super::Postgres;
use super::error::fault;
use super::load::record;
use super::sql::{framed, now};
use crate::fault::Fault;
use crate::lease::Wanted;
use crate::operation::holder;
use crate::record::Record;
use crate::session::Session;

/// What could be claimed, longest due first: of nobody and due, of each holder that is dead, and what a lost claim of
/// our own may have left. More than is wanted, because others may be taking the first ones right now.
///
/// Holders are few: each is found by one step into the index, from the one before. `$2` is our own holder, `$3` the
/// time-out of nodes that have not said theirs, `$4` tokens of lost claims, `$5` ids to leave alone, `$6` how many.
macro_rules! candidates {
    () => {
        concat!(
            "WITH RECURSIVE clock AS MATERIALIZED (SELECT ",
            now!(),
            " AS now), \
            holders AS ( \
                (SELECT t.holder FROM dtm_transaction t WHERE t.holder > '' ORDER BY t.holder LIMIT 1) \
                UNION ALL \
                SELECT (SELECT t.holder FROM dtm_transaction t WHERE t.holder > h.holder ORDER BY t.holder LIMIT 1) \
                FROM holders h WHERE h.holder IS NOT NULL), \
            dead AS ( \
                SELECT h.holder FROM holders h, clock WHERE h.holder IS NOT NULL AND h.holder <> $2::text \
                    AND NOT EXISTS (SELECT 1 FROM dtm_node n WHERE n.name = split_part(h.holder, ':', 1) \
                        AND n.epoch::text = split_part(h.holder, ':', 2) AND n.heartbeat >= clock.now - coalesce(n.alive_for, $3::bigint))), \
            candidates AS ( \
                (SELECT t.id, t.holder, t.due FROM dtm_transaction t \
                    WHERE t.holder = '' AND t.due <= (SELECT now FROM clock) AND t.id <> ALL($5::bigint[]) \
                    ORDER BY t.due LIMIT $6::bigint) \
                UNION ALL \
                (SELECT o.id, o.holder, o.due FROM dead, LATERAL ( \
                    SELECT t.id, t.holder, t.due FROM dtm_transaction t \
                    WHERE t.holder = dead.holder AND t.id <> ALL($5::bigint[]) ORDER BY t.due LIMIT $6::bigint) o) \
                UNION ALL \
                (SELECT t.id, t.holder, t.due FROM dtm_transaction t \
                    WHERE cardinality($4::text[]) > 0 AND t.holder = $2::text AND t.owner = ANY($4::text[]) \
                        AND t.id <> ALL($5::bigint[]))) "
        )
    };
}

/// Locks the first of them that nobody else has locked. One that was taken since the statement began is seen as it is
/// now, and has another holder. `$7` is how many.
const PICK: &str = concat!(
    candidates!(),
    "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, t.definition, t.state \
    FROM (SELECT id, holder, due FROM candidates ORDER BY due, id) c JOIN dtm_transaction t ON t.id = c.id \
    WHERE t.holder = c.holder AND t.due = c.due AND (t.holder <> $2::text OR t.owner = ANY($4::text[])) \
    ORDER BY c.due, c.id LIMIT $7::bigint FOR UPDATE OF t SKIP LOCKED"
);

const ANY: &str =
    concat!(candidates!(), "SELECT count(*) AS found FROM (SELECT 1 FROM candidates LIMIT 1) c");

/// In a statement of its own: rows that are locked now take no more branches, but the statement that locked them may
/// not have seen the last ones.
const BRANCHES: &str = "SELECT transaction_id, registration FROM dtm_branch WHERE transaction_id = ANY($1) \
    ORDER BY transaction_id, position";

const CLAIM: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT ",
    now!(),
    " AS now) UPDATE dtm_transaction t SET owner = c.owner, held = true, holder = $2, updated = clock.now \
    FROM clock, unnest($3::bigint[], $4::text[]) AS c (id, owner) WHERE t.id = c.id"
);

const RESCHEDULE: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT ",
    now!(),
    " AS now), \
    matching AS MATERIALIZED ( \
        SELECT t.id FROM dtm_transaction t WHERE t.holder IS NOT NULL AND t.due > $2::bigint \
            AND split_part(t.holder, ':', 1) <> $3::text AND ",
    framed!(),
    " ORDER BY t.id LIMIT $4::bigint + 1), \
    changed AS ( \
        UPDATE dtm_transaction t SET due = clock.now, held = false, holder = '', updated = clock.now \
        FROM clock, (SELECT id FROM matching ORDER BY id LIMIT $4::bigint) m \
        WHERE t.id = m.id AND t.holder IS NOT NULL AND t.due > $2::bigint AND split_part(t.holder, ':', 1) <> $3::text \
        RETURNING t.id) \
    SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM matching) AS matching"
);

/// How many more candidates are looked at than are wanted.
const SURPLUS: i64 = 4;

/// How often to look again when others had locked all that could be claimed.
const LOOKS: u32 = 20;

impl Postgres {
    pub(super) async fn claim_all(&self, wanted: &Wanted<'_>) -> Result<Claims, Fault> {
        let mut claims = Claims::default();
        for _ in 0..LOOKS {
            let mut session = self.writer().await?;
            session.begin().await?;
            let picked = self.pick(&mut session, wanted).await?;
            if picked.is_empty() {
                let anything = self.is_any(&mut session, wanted).await?;
                session.roll_back().await?;
                if !anything {
                    return Ok(claims);
                }
                // what is locked is being claimed or written by others; what they leave may be for us
                let pause = Duration::from_millis(rand::rng().random_range(1..=10));
                tokio::time::sleep(pause).await;
                continue;
            }
            let (good, damaged) = wanted.known.sort_out(&picked);
            claims.damaged.extend(damaged);
            if good.is_empty() {
                session.roll_back().await?;
                continue;
            }
            claims.claimed = self.take(&mut session, good, wanted.tokens).await?;
            session.commit().await?;
            return Ok(claims);
        }
        Ok(claims)
    }

    async fn pick(
        &self,
        session: &mut Session<'_, sqlx::Postgres>,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Record>, Fault> {
        let count = rows(wanted.tokens.len());
        let statement = sqlx::query(PICK)
            .bind(self.given_now())
            .bind(own_holder(wanted.tokens))
            .bind(self.node_timeout)
            .bind(&wanted.unsettled)
            .bind(wanted.known.ids())
            .bind(count.saturating_mul(SURPLUS))
            .bind(count);
        let rows = session.rows(statement).await?;
        let mut records: Vec<Record> = rows.iter().map(record).collect::<Result<_, _>>().map_err(fault)?;
        let with_branches: Vec<i64> =
            records.iter().filter(|record| record.registered > 0).map(|record| record.id).collect();
        if with_branches.is_empty() {
            return Ok(records);
        }
        let mut branches: HashMap<i64, Vec<String>> = HashMap::with_capacity(with_branches.len());
        for row in session.rows(sqlx::query(BRANCHES).bind(with_branches)).await? {
            let (id, registration) = (row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?);
            branches.entry(id).or_default().push(registration);
        }
        for record in &mut records {
            record.branches = branches.remove(&record.id).unwrap_or_default();
        }
        Ok(records)
    }

    async fn is_any(
        &self,
        session: &mut Session<'_, sqlx::Postgres>,
        wanted: &Wanted<'_>,
    ) -> Result<bool, Fault> {
        let statement = sqlx::query(ANY)
            .bind(self.given_now())
            .bind(own_holder(wanted.tokens))
            .bind(self.node_timeout)
            .bind(&wanted.unsettled)
            .bind(wanted.known.ids())
            .bind(1_i64);
        match session.row(statement).await? {
            Some(row) => Ok(row.try_get::<i64, _>("found").map_err(fault)? > 0),
            None => Ok(false),
        }
    }

    async fn take(
        &self,
        session: &mut Session<'_, sqlx::Postgres>,
        good: Vec<(i64, Stored)>,
        tokens: &[OwnerToken],
    ) -> Result<Vec<Stored>, Fault> {
        let ids: Vec<i64> = good.iter().map(|(id, _)| *id).collect();
        let owners: Vec<String> = tokens.iter().take(ids.len()).map(ToString::to_string).collect();
        let statement =
            sqlx::query(CLAIM).bind(self.given_now()).bind(own_holder(tokens)).bind(ids).bind(owners);
        session.rows(statement).await?;
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
        let statement = sqlx::query(RESCHEDULE)
            .bind(self.given_now())
            .bind(i64::try_from(later_than.as_millis()).unwrap_or(i64::MAX))
            .bind(except.as_str())
            .bind(limit);
        let row = self.writer().await?.row(statement).await?;
        let Some(row) = row else { return Ok(Rescheduled { count: 0, has_remaining: false }) };
        let (changed, matching): (i64, i64) =
            (row.try_get("changed").map_err(fault)?, row.try_get("matching").map_err(fault)?);
        Ok(Rescheduled { count: usize::try_from(changed).unwrap_or(0), has_remaining: matching > limit })
    }
}

/// All tokens of a claim are of one start of one node.
fn own_holder(tokens: &[OwnerToken]) -> String {
    tokens.first().map_or_else(String::new, |token| holder(token, true))
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

//! Who gets what is due, and what is made due.

use std::sync::Arc;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Claims, Damaged, NodeName, Rescheduled, TokenSource};

use super::Tables;
use super::record::Record;

impl Tables {
    pub(super) fn claim_due(&mut self, tokens: &TokenSource, limit: usize, now: Timestamp) -> Claims {
        let mut claims = Claims::default();
        for gid in self.claimable(tokens, now) {
            if claims.claimed.len() == limit {
                break;
            }
            let Some(record) = self.transactions.get(&gid) else { continue };
            let mut record = Record::clone(record);
            if record.damaged {
                if record.damage_reported {
                    continue;
                }
                record.damage_reported = true;
                let detail = Record::DAMAGE.to_owned();
                claims.damaged.push(Damaged { gid: gid.to_string(), detail });
            } else {
                record.head = record.head.claimed(tokens.fresh());
                claims.claimed.push(record.stored());
            }
            self.put_transaction(&gid, Some(Arc::new(record)));
        }
        claims
    }

    pub(super) fn reschedule(
        &mut self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
        now: Timestamp,
    ) -> Rescheduled {
        let affected = |record: &Record| {
            let owner = &record.head.owner;
            !record.damaged
                && record.head.due.is_some_and(|due| due > later_than)
                && !(owner.held && owner.token.node == *except)
        };
        let mut matching: Vec<_> = self
            .transactions
            .iter()
            .filter(|(_, record)| affected(record))
            .map(|(gid, record)| (record.head.due, record.sequence, gid.clone()))
            .collect();
        matching.sort();
        let has_remaining = matching.len() > limit;
        matching.truncate(limit);
        for (_, _, gid) in &matching {
            if let Some(record) = self.transactions.get(gid) {
                let head = record.head.rescheduled(now);
                let record = Record { head, ..Record::clone(record) };
                self.put_transaction(gid, Some(Arc::new(record)));
            }
        }
        Rescheduled { count: matching.len(), has_remaining }
    }

    /// Due and not held, or held by the dead; the longest due first.
    fn claimable(&self, claimer: &TokenSource, now: Timestamp) -> Vec<Gid> {
        let mut claimable: Vec<_> = self
            .transactions
            .iter()
            .filter_map(|(gid, record)| {
                let due = record.head.due?;
                let owner = &record.head.owner;
                let token = &owner.token;
                let own = token.node == *claimer.node() && token.epoch == claimer.epoch();
                let free = if owner.held { !own && !self.is_alive(token, now) } else { due <= now };
                free.then(|| (due, record.sequence, gid.clone()))
            })
            .collect();
        claimable.sort();
        claimable.into_iter().map(|(_, _, gid)| gid).collect()
    }
}

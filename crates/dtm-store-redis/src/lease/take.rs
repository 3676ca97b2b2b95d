//! Taking what is still as it was read.

use std::time::{Duration, Instant};

use dtm_store::{Claims, OwnerToken, Ownership, Stored, TokenSource};

use super::look::Candidates;
use super::strides::Entry;
use crate::client::{Insist, Kind};
use crate::fault::Fault;
use crate::head::{beginning, front};
use crate::keys::{holder, holder_of};
use crate::record::Record;
use crate::reply::read;
use crate::scripts::{CLAIM, Call};
use crate::store::Redis;

impl Redis {
    /// Reads candidates and takes those that are still as they were read.
    pub(super) async fn take(
        &self,
        tokens: &TokenSource,
        candidates: Candidates,
        limit: usize,
        claims: &mut Claims,
    ) -> Result<(), Fault> {
        let Candidates { mut entries, known_at } = candidates;
        entries.truncate(limit);
        let gids: Vec<&str> = entries.iter().map(|entry| entry.gid.as_str()).collect();
        let mut good = Vec::with_capacity(entries.len());
        let mut misfits = Vec::new();
        let mut trouble = None;
        for (entry, record) in entries.iter().zip(self.load(Insist::Briefly, &gids).await) {
            let record = match record {
                Ok(record) => record,
                // one server that does not answer keeps nobody from what the others have
                Err(fault) => {
                    trouble = Some(fault);
                    continue;
                }
            };
            match record.as_ref().map(Record::stored) {
                Some(Ok(stored)) if fits(entry, &stored) => {
                    good.extend(record.map(|record| (record, stored)));
                }
                Some(Err(damage)) => self.damaged.report(damage, &mut claims.damaged),
                Some(Ok(_)) | None => misfits.push(entry),
            }
        }
        trouble = self.mend(&misfits).await.err().or(trouble);
        // whoever was dead then may have come back since
        let late = |at: Instant| at.elapsed() > Duration::from_millis(self.node_timeout / 2);
        if known_at.is_some_and(late) {
            good.retain(|(_, stored)| !stored.owner.held);
        }
        trouble = self.take_all(tokens, good, claims).await.err().or(trouble);
        trouble.map_or(Ok(()), Err)
    }

    pub(super) async fn take_all(
        &self,
        tokens: &TokenSource,
        good: Vec<(Record, Stored)>,
        claims: &mut Claims,
    ) -> Result<(), Fault> {
        let fresh: Vec<OwnerToken> = good.iter().map(|_| tokens.fresh()).collect();
        let calls: Vec<Call> = good
            .iter()
            .zip(&fresh)
            .filter_map(|((record, _), token)| self.claim_call(record, token))
            .collect();
        let gids = good.iter().map(|(record, _)| record.gid.clone());
        let mut watch = self.lost_claims.watch(gids.zip(fresh.iter().cloned()).collect());
        let answers = self.client.run_as(Insist::Briefly, Kind::Write, &calls).await;
        let mut trouble = None;
        let mut unknown = Vec::new();
        for (((record, stored), token), answer) in good.into_iter().zip(fresh).zip(answers) {
            match answer.and_then(read::<bool>) {
                Ok(true) => claims.claimed.push(Stored { owner: Ownership { token, held: true }, ..stored }),
                Ok(false) => {}
                Err(fault) => {
                    if matches!(fault, Fault::Lost(_)) {
                        unknown.push((record.gid, token));
                    }
                    trouble = Some(fault);
                }
            }
        }
        watch.answered_but(unknown);
        trouble.map_or(Ok(()), Err)
    }

    fn claim_call(&self, record: &Record, token: &OwnerToken) -> Option<Call> {
        let (gid, shard) = (record.gid.as_str(), self.keys.shard_of(&record.gid));
        // read before, as a whole: it has these fields
        let (old, (head, time)) = (record.compared().ok()?, record.head().ok()?);
        let old_holder = holder(&head.owner.token, head.owner.held);
        let new = holder_of(token);
        let keys = [shard.record(gid), shard.due(&old_holder), shard.due(&new), shard.key("holders")];
        Some(
            CLAIM
                .call(shard.place(), &keys)
                .arg(gid)
                .arg(old.head)
                .arg(old.state)
                .arg(time)
                .arg(beginning(&front(head.status, head.registered, token), true) + &time.to_string())
                .arg(new),
        )
    }
}

/// Whether a record is what an index says.
fn fits(entry: &Entry, stored: &Stored) -> bool {
    let holder = holder(&stored.owner.token, stored.owner.held);
    stored.due.is_some_and(|due| due.as_millis() == entry.due) && holder == entry.holder
}

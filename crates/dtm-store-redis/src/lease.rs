//! Who gets what is due, and what is made due.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dtm_store::{Claims, Damaged, Error, NodeName, OwnerToken, Ownership, Rescheduled, Stored, TokenSource};
use parking_lot::Mutex;
use rand::Rng as _;

use crate::client::Kind;
use crate::fault::Fault;
use crate::head::{beginning, front};
use crate::keys::{Shard, holder, holder_of};
use crate::record::Record;
use crate::reply::read;
use crate::scripts::{CLAIM, Call, FORGET, LOOK, MEND, RESCHEDULE};
use crate::store::Redis;

/// How often to look again when others had taken all that could be claimed.
const LOOKS: u32 = 30;

/// An entry of an index of due times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    due: u64,
    gid: String,
    holder: String,
}

/// What could be claimed, longest due first.
#[derive(Debug, Default)]
struct Candidates {
    entries: Vec<Entry>,
    /// When it was known that holders among them are dead.
    known_at: Option<Instant>,
}

impl Redis {
    /// Takes what is due, until there is no more or `limit` is reached. Once something is taken there is no error: it
    /// is held by a node that lives, so it has to be driven.
    pub(crate) async fn claim(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        let own = format!("{}:{}", tokens.node().as_str(), tokens.epoch().0);
        let mut claims = Claims::default();
        let mut trouble = self.take_lost(tokens, limit, &mut claims).await.err();
        let mut idle_looks = 0;
        while trouble.is_none() && claims.claimed.len() < limit {
            let room = limit - claims.claimed.len();
            let (claimed, damaged) = (claims.claimed.len(), claims.damaged.len());
            match self.look(&own, room).await {
                Ok(candidates) if candidates.entries.is_empty() => return Ok(claims),
                Ok(candidates) => {
                    trouble = self.take(tokens, candidates, room, &mut claims).await.err();
                }
                Err(fault) => trouble = Some(fault),
            }
            if claims.claimed.len() == claimed && claims.damaged.len() == damaged {
                idle_looks += 1;
                if idle_looks == LOOKS {
                    trouble.get_or_insert(Fault::Later("others take all that is due; try again".to_owned()));
                }
                let pause = Duration::from_millis(rand::rng().random_range(1..=idle_looks.min(20).into()));
                tokio::time::sleep(pause).await;
            }
        }
        match trouble {
            Some(fault) if claims.claimed.is_empty() && claims.damaged.is_empty() => Err(fault.error()),
            Some(fault) => {
                tracing::warn!(error = %fault.error(), "a claim ended early");
                Ok(claims)
            }
            None => Ok(claims),
        }
    }

    /// What nobody holds and is due, and what dead nodes hold.
    ///
    /// Holders are read before heartbeats: whoever holds anything has joined before, so a holder that is missing among
    /// the living is dead, and not merely younger than the heartbeats that we have read.
    async fn look(&self, own: &str, limit: usize) -> Result<Candidates, Fault> {
        let known = self.damaged.gids();
        let stride = limit / self.keys.shards() * 4 + 8 + known.len();
        let mut found = Strides::new(stride);
        let call = |shard: Shard<'_>| {
            LOOK.call(shard.place(), &[shard.key("holders"), shard.due("")]).arg(self.given_now()).arg(stride)
        };
        let calls: Vec<Call> = self.keys.all().map(call).collect();
        let mut holders = BTreeSet::new();
        let mut failed = None;
        for (shard, answer) in self.client.run(Kind::Read, &calls).await.into_iter().enumerate() {
            let (of_shard, entries): (Vec<String>, Vec<(String, String)>) = match answer.and_then(read) {
                Ok(found) => found,
                // One shard that does not answer keeps nobody from what the others have.
                Err(fault) => {
                    failed = failed.or(Some(fault));
                    continue;
                }
            };
            holders.extend(of_shard.into_iter().filter(|holder| holder != own).map(|holder| (holder, shard)));
            found.add("", entries)?;
        }
        let mut known_at = None;
        if !holders.is_empty() {
            known_at = Some(Instant::now());
            let alive = self.alive().await?;
            let dead: Vec<_> = holders.into_iter().filter(|(holder, _)| !alive.contains(holder)).collect();
            self.look_at(&dead, stride, &mut found).await?;
        }
        let entries = found.longest_due(&known);
        match failed {
            Some(fault) if entries.is_empty() => Err(fault),
            Some(fault) => {
                tracing::warn!(
                    ?fault,
                    "some shards could not be looked at for transactions that nobody drives"
                );
                Ok(Candidates { entries, known_at })
            }
            None => Ok(Candidates { entries, known_at }),
        }
    }

    /// What the dead hold; those that hold nothing any more are forgotten.
    async fn look_at(
        &self,
        dead: &[(String, usize)],
        stride: usize,
        found: &mut Strides,
    ) -> Result<(), Fault> {
        let call = |(holder, shard): &(String, usize)| {
            let shard = self.keys.shard(*shard);
            Call::plain(shard.place(), "ZRANGE")
                .arg(shard.due(holder))
                .arg(0)
                .arg(stride - 1)
                .arg("WITHSCORES")
        };
        let calls: Vec<Call> = dead.iter().map(call).collect();
        let mut empty = Vec::new();
        for ((holder, number), answer) in dead.iter().zip(self.client.run(Kind::Read, &calls).await) {
            let entries: Vec<(String, String)> = read(answer?)?;
            if entries.is_empty() {
                let shard = self.keys.shard(*number);
                let keys = [shard.key("holders"), shard.due(holder)];
                empty.push(FORGET.call(shard.place(), &keys).arg(holder));
            }
            found.add(holder, entries)?;
        }
        for answer in self.client.run(Kind::Write, &empty).await {
            answer?;
        }
        Ok(())
    }

    /// Reads candidates and takes those that are still as they were read.
    async fn take(
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
        for (entry, record) in entries.iter().zip(self.load(&gids).await?) {
            match record.as_ref().map(Record::stored) {
                Some(Ok(stored)) if fits(entry, &stored) => {
                    good.extend(record.map(|record| (record, stored)));
                }
                Some(Err(damage)) => self.damaged.report(damage, &mut claims.damaged),
                Some(Ok(_)) | None => misfits.push(entry),
            }
        }
        self.mend(&misfits).await?;
        // whoever was dead then may have come back since
        let late = |at: Instant| at.elapsed() > Duration::from_millis(self.node_timeout / 2);
        if known_at.is_some_and(late) {
            good.retain(|(_, stored)| !stored.owner.held);
        }
        self.take_all(tokens, good, claims).await
    }

    async fn take_all(
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
        let answers = self.client.run(Kind::Write, &calls).await;
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

    /// What claims of our own may have taken whose answers were lost: held by a node that lives, driven by nobody.
    async fn take_lost(&self, tokens: &TokenSource, limit: usize, claims: &mut Claims) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut lost = self.lost_claims.pairs();
        lost.truncate(limit);
        if lost.is_empty() {
            return Ok(());
        }
        let gids: Vec<&str> = lost.iter().map(|(gid, _)| gid.as_str()).collect();
        let mut good = Vec::new();
        for ((_, token), record) in lost.iter().zip(self.load(&gids).await?) {
            let Some(record) = record else { continue };
            match record.stored() {
                Ok(stored) if stored.owner.held && stored.owner.token == *token && stored.due.is_some() => {
                    good.push((record, stored));
                }
                Ok(_) => {}
                Err(damage) => self.damaged.report(damage, &mut claims.damaged),
            }
        }
        self.take_all(tokens, good, claims).await?;
        self.lost_claims.looked(begun, &lost);
        Ok(())
    }

    /// Entries to which no record belongs. What others have taken since fits again and stays.
    async fn mend(&self, misfits: &[&Entry]) -> Result<(), Fault> {
        let call = |entry: &&Entry| {
            let shard = self.keys.shard_of(&entry.gid);
            let keys = [shard.record(&entry.gid), shard.due(&entry.holder)];
            MEND.call(shard.place(), &keys).arg(&entry.gid).arg(&entry.holder)
        };
        let calls: Vec<Call> = misfits.iter().map(call).collect();
        for (entry, answer) in misfits.iter().zip(self.client.run(Kind::Write, &calls).await) {
            if read::<bool>(answer?)? {
                tracing::warn!(gid = entry.gid, "an index of Redis was not as its record; it is mended");
            }
        }
        Ok(())
    }

    /// Makes up to `limit` of what is due later than that due now, except what that node holds.
    pub(crate) async fn reschedule(
        &self,
        later_than: u64,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Fault> {
        let one_more = limit.saturating_add(1);
        let calls: Vec<Call> = self
            .keys
            .all()
            .map(|shard| Call::plain(shard.place(), "SMEMBERS").arg(shard.key("holders")))
            .collect();
        let mut indexes = Vec::new();
        for (shard, answer) in self.client.run(Kind::Read, &calls).await.into_iter().enumerate() {
            let holders: Vec<String> = read(answer?)?;
            let others = holders
                .into_iter()
                .filter(|holder| holder.rsplit_once(':').is_none_or(|(node, _)| node != except.as_str()));
            indexes.extend(others.chain([String::new()]).map(|holder| (holder, shard)));
        }
        let call = |(holder, shard): &(String, usize)| {
            let shard = self.keys.shard(*shard);
            Call::plain(shard.place(), "ZRANGEBYSCORE")
                .arg(shard.due(holder))
                .arg(format!("({later_than}"))
                .arg("+inf")
                .arg(&["LIMIT", "0"])
                .arg(one_more)
        };
        let calls: Vec<Call> = indexes.iter().map(call).collect();
        let mut later = Vec::new();
        for ((holder, shard), answer) in indexes.into_iter().zip(self.client.run(Kind::Read, &calls).await) {
            later.extend(read::<Vec<String>>(answer?)?.into_iter().map(|gid| (gid, holder.clone(), shard)));
        }
        let has_remaining = later.len() > limit;
        later.truncate(limit);
        let call = |(gid, holder, shard): &(String, String, usize)| {
            let shard = self.keys.shard(*shard);
            let keys = [shard.record(gid), shard.due(holder), shard.due("")];
            RESCHEDULE.call(shard.place(), &keys).arg(self.given_now()).arg(gid).arg(holder).arg(later_than)
        };
        let calls: Vec<Call> = later.iter().map(call).collect();
        let mut count = 0;
        for answer in self.client.run(Kind::Write, &calls).await {
            count += usize::from(read::<bool>(answer?)?);
        }
        Ok(Rescheduled { count, has_remaining })
    }
}

/// Whether a record is what an index says.
fn fits(entry: &Entry, stored: &Stored) -> bool {
    let holder = holder(&stored.owner.token, stored.owner.held);
    stored.due.is_some_and(|due| due.as_millis() == entry.due) && holder == entry.holder
}

/// The beginnings of several indexes.
struct Strides {
    stride: usize,
    entries: Vec<Entry>,
    /// Behind this due time some index has more that nobody has read.
    complete_to: u64,
}

impl Strides {
    const fn new(stride: usize) -> Self {
        Self { stride, entries: Vec::new(), complete_to: u64::MAX }
    }

    fn add(&mut self, holder: &str, index: Vec<(String, String)>) -> Result<(), Fault> {
        let full = index.len() >= self.stride;
        let mut last = 0;
        for (gid, due) in index {
            let due = due.parse().map_err(|_| crate::reply::strange(&format!("the due time '{due}'")))?;
            last = due;
            self.entries.push(Entry { due, gid, holder: holder.to_owned() });
        }
        if full {
            self.complete_to = self.complete_to.min(last);
        }
        Ok(())
    }

    /// In the order in which they became due, as far as all indexes are known; without what cannot be read.
    fn longest_due(mut self, damaged: &BTreeSet<String>) -> Vec<Entry> {
        self.entries.retain(|entry| entry.due <= self.complete_to && !damaged.contains(&entry.gid));
        self.entries.sort_unstable();
        self.entries
    }
}

/// The records that this process has found unreadable: each is reported once and stops nobody. Whoever has repaired
/// one restarts the server, or starts another one.
#[derive(Debug, Default)]
pub(crate) struct KnownDamage(Mutex<BTreeSet<String>>);

impl KnownDamage {
    fn gids(&self) -> BTreeSet<String> {
        self.0.lock().clone()
    }

    fn report(&self, damage: Damaged, reports: &mut Vec<Damaged>) {
        if self.0.lock().insert(damage.gid.clone()) {
            tracing::error!(
                gid = damage.gid,
                detail = damage.detail,
                "a record cannot be read; it is left untouched"
            );
            reports.push(damage);
        }
    }
}

/// Claims whose answer nobody has got. Later claims look for what they may have taken, for as long as Redis may still
/// be executing them.
#[derive(Debug)]
pub(crate) struct LostClaims {
    claims: Mutex<Vec<(Instant, String, OwnerToken)>>,
    span: Duration,
}

impl LostClaims {
    pub(crate) const fn new(span: Duration) -> Self {
        Self { claims: Mutex::new(Vec::new()), span }
    }

    fn pairs(&self) -> Vec<(String, OwnerToken)> {
        self.claims.lock().iter().map(|(_, gid, token)| (gid.clone(), token.clone())).collect()
    }

    /// These were looked for at `begun`. Those that had been lost for so long that Redis cannot be executing them any
    /// more are settled now; the others go to the end of the queue.
    fn looked(&self, begun: Instant, pairs: &[(String, OwnerToken)]) {
        let mut claims = self.claims.lock();
        let (seen, mut rest): (Vec<_>, Vec<_>) = std::mem::take(&mut *claims)
            .into_iter()
            .partition(|(_, gid, token)| pairs.iter().any(|(seen, of)| seen == gid && of == token));
        rest.extend(
            seen.into_iter().filter(|(since, ..)| begun.saturating_duration_since(*since) < self.span),
        );
        *claims = rest;
    }

    /// Watches over claims: unless it is told which were answered, all are lost when the caller goes away.
    fn watch(&self, pairs: Vec<(String, OwnerToken)>) -> Watch<'_> {
        Watch { lost: self, pairs }
    }
}

/// See [`LostClaims::watch`].
struct Watch<'a> {
    lost: &'a LostClaims,
    pairs: Vec<(String, OwnerToken)>,
}

impl Watch<'_> {
    /// All were answered but these.
    fn answered_but(&mut self, unknown: Vec<(String, OwnerToken)>) {
        self.pairs = unknown;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let since = Instant::now();
        let lost = self.pairs.drain(..).map(|(gid, token)| (since, gid, token));
        self.lost.claims.lock().extend(lost);
    }
}

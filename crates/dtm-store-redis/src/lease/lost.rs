//! Claims whose answer nobody has got.

use std::time::{Duration, Instant};

use dtm_store::{Claims, OwnerToken, TokenSource};
use parking_lot::Mutex;

use crate::client::Insist;
use crate::fault::Fault;
use crate::store::Redis;

impl Redis {
    /// What claims of our own may have taken whose answers were lost: held by a node that lives, driven by nobody.
    pub(super) async fn take_lost(
        &self,
        tokens: &TokenSource,
        limit: usize,
        claims: &mut Claims,
    ) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut lost = self.lost_claims.pairs();
        lost.truncate(limit);
        if lost.is_empty() {
            return Ok(());
        }
        let gids: Vec<&str> = lost.iter().map(|(gid, _)| gid.as_str()).collect();
        let mut good = Vec::new();
        let mut trouble = None;
        for ((_, token), record) in lost.iter().zip(self.load(Insist::Briefly, &gids).await) {
            let record = match record {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(fault) => {
                    trouble = Some(fault);
                    continue;
                }
            };
            match record.stored() {
                Ok(stored) if stored.owner.held && stored.owner.token == *token && stored.due.is_some() => {
                    good.push((record, stored));
                }
                Ok(_) => {}
                Err(damage) => self.damaged.report(damage, &mut claims.damaged),
            }
        }
        self.take_all(tokens, good, claims).await?;
        if let Some(fault) = trouble {
            return Err(fault);
        }
        self.lost_claims.looked(begun, &lost);
        Ok(())
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
    pub(super) fn watch(&self, pairs: Vec<(String, OwnerToken)>) -> Watch<'_> {
        Watch { lost: self, pairs }
    }
}

/// See [`LostClaims::watch`].
pub(super) struct Watch<'a> {
    lost: &'a LostClaims,
    pairs: Vec<(String, OwnerToken)>,
}

impl Watch<'_> {
    /// All were answered but these.
    pub(super) fn answered_but(&mut self, unknown: Vec<(String, OwnerToken)>) {
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

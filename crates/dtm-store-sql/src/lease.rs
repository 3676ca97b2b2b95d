//! Claims: what is asked of the database, and what is remembered between them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dtm_store::{Damaged, OwnerToken, Stored};
use parking_lot::Mutex;

use crate::record::Record;

/// What a claim may take.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// One for each transaction that may be claimed.
    pub(crate) tokens: &'a [OwnerToken],
    /// Tokens of claims whose answer was lost: what has one of these is held by a living node and driven by nobody.
    pub(crate) unsettled: Vec<String>,
    /// What this process has found unreadable.
    pub(crate) known: &'a KnownDamage,
}

/// The rows that this process has found unreadable: each is reported once and stops nobody. Whoever has repaired
/// one restarts the server, or starts another one.
#[derive(Debug, Default)]
pub(crate) struct KnownDamage(Mutex<BTreeSet<i64>>);

impl KnownDamage {
    pub(crate) fn ids(&self) -> Vec<i64> {
        self.0.lock().iter().copied().collect()
    }

    /// The transactions in records that are about to be claimed, with their ids, and those that cannot be read.
    pub(crate) fn sort_out(&self, records: &[Record]) -> (Vec<(i64, Stored)>, Vec<Damaged>) {
        let (mut good, mut damaged) = (Vec::with_capacity(records.len()), Vec::new());
        for record in records {
            match record.stored() {
                Ok(stored) => good.push((record.id, stored)),
                Err(detail) => {
                    if self.0.lock().insert(record.id) {
                        tracing::error!(
                            gid = detail.gid,
                            detail = detail.detail,
                            "a record cannot be read; it is left untouched"
                        );
                        damaged.push(detail);
                    }
                }
            }
        }
        (good, damaged)
    }
}

/// Claims whose answer nobody has got. Their tokens are looked for by later claims, for as long as the database may
/// still be executing the lost one.
#[derive(Debug)]
pub(crate) struct Unsettled {
    claims: Mutex<Vec<(Instant, Vec<OwnerToken>)>>,
    span: Duration,
}

impl Unsettled {
    pub(crate) const fn new(span: Duration) -> Self {
        Self { claims: Mutex::new(Vec::new()), span }
    }

    /// The tokens to look for now.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let claims = self.claims.lock();
        claims.iter().flat_map(|(_, tokens)| tokens).map(ToString::to_string).collect()
    }

    /// A claim that began at `begun` has looked for all of them and was answered. Those that had been lost for so
    /// long that the database cannot be executing them any more are settled now.
    pub(crate) fn looked(&self, begun: Instant) {
        self.claims.lock().retain(|(since, _)| begun.saturating_duration_since(*since) < self.span);
    }

    /// Watches over a claim: unless it is told that the claim was answered, its tokens are unsettled from the moment
    /// on when the caller goes away.
    pub(crate) fn watch(&self, tokens: Vec<OwnerToken>) -> Watch<'_> {
        Watch { unsettled: self, tokens }
    }
}

/// See [`Unsettled::watch`].
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    unsettled: &'a Unsettled,
    tokens: Vec<OwnerToken>,
}

impl Watch<'_> {
    pub(crate) fn tokens(&self) -> &[OwnerToken] {
        &self.tokens
    }

    /// It is known what happened.
    pub(crate) fn answered(mut self) {
        self.tokens.clear();
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.tokens.is_empty() {
            let tokens = std::mem::take(&mut self.tokens);
            self.unsettled.claims.lock().push((Instant::now(), tokens));
        }
    }
}

#[cfg(test)]
mod tests {
    use dtm_store::{Epoch, NodeName};

    use super::*;

    #[test]
    fn a_lost_claim_is_looked_for_until_the_database_can_no_longer_be_executing_it() {
        let token = OwnerToken { node: NodeName::parse("a").unwrap(), epoch: Epoch(1), counter: 7 };
        let unsettled = Unsettled::new(Duration::from_secs(20));
        unsettled.watch(vec![token.clone()]).answered();
        assert!(unsettled.tokens().is_empty());
        drop(unsettled.watch(vec![token]));
        let lost = Instant::now();
        unsettled.looked(lost + Duration::from_secs(19));
        assert_eq!(unsettled.tokens(), ["a:1:7"]);
        unsettled.looked(lost + Duration::from_secs(21));
        assert!(unsettled.tokens().is_empty());
    }
}

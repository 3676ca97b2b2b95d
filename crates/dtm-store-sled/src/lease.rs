//! Who gets what is due, and what is made due.

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Claims, Damaged, NodeName, OwnerToken, Rescheduled, Stored};

use crate::backend::Batch;
use crate::engine::Value;
use crate::error::{Failure, Unreadable};
use crate::index::Place;
use crate::keys;
use crate::load::{assemble, required};
use crate::operation::Output;
use crate::schema::{Row, split_row};

impl Batch<'_> {
    /// Gives one transaction for each token, as long as there are any.
    pub(crate) fn claim(&mut self, tokens: &[OwnerToken]) -> Result<Output, Failure> {
        let mut claims = Claims { claimed: Vec::new(), damaged: std::mem::take(&mut self.index.damaged) };
        while let rest @ [_, ..] = &tokens[claims.claimed.len()..] {
            let (claimer, now, limit) = (&rest[0], self.now, rest.len());
            let places = self.index.claimable(now, limit, |node, epoch| {
                (claimer.node == *node && claimer.epoch == epoch)
                    || self.nodes.is_alive(node, epoch, now, self.node_timeout)
            });
            if places.is_empty() {
                break;
            }
            // each round either claims a place or forgets it, so there is an end
            for place in &places {
                match self.claim_one(place, &tokens[claims.claimed.len()])? {
                    Ok(stored) => claims.claimed.push(stored),
                    Err(damaged) => claims.damaged.push(damaged),
                }
            }
        }
        Ok(Output::Claims(claims))
    }

    pub(crate) fn reschedule(
        &mut self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Output, Failure> {
        let mut places = self.index.later_than(later_than, limit.saturating_add(1), except);
        let has_remaining = places.len() > limit;
        places.truncate(limit);
        let mut count = 0;
        for place in &places {
            match self.value(place) {
                Ok(value) => {
                    let (row, texts) = split_row(value.body()).map_err(Failure::Broken)?;
                    let new = Row { head: row.head.rescheduled(self.now), ..row.clone() };
                    self.replace(place.number, &value, &row.head, &new, texts)?;
                    count += 1;
                }
                Err(Unreadable::Damaged(detail)) => {
                    let damaged = self.damaged(place, detail);
                    self.index.damaged.push(damaged);
                }
                Err(error) => return Err(error.of_store("a state")),
            }
        }
        Ok(Output::Rescheduled(Rescheduled { count, has_remaining }))
    }

    fn claim_one(&mut self, place: &Place, token: &OwnerToken) -> Result<Result<Stored, Damaged>, Failure> {
        let claimed = self.value(place).and_then(|value| {
            let (row, texts) = split_row(value.body()).map_err(Unreadable::Damaged)?;
            let new = Row { head: row.head.claimed(token.clone()), ..row };
            let stored = assemble(&self.view, place.number, &new, texts)?;
            Ok((value, new, stored))
        });
        match claimed {
            Ok((value, new, stored)) => {
                let (row, texts) = split_row(value.body()).map_err(Failure::Broken)?;
                self.replace(place.number, &value, &row.head, &new, texts)?;
                Ok(Ok(stored))
            }
            Err(Unreadable::Damaged(detail)) => Ok(Err(self.damaged(place, detail))),
            Err(error) => Err(error.of_store("a state")),
        }
    }

    /// The state of a transaction, whose head can be read.
    fn value(&self, place: &Place) -> Result<Value, Unreadable> {
        let value = required(&self.view, &keys::state(place.number), "state")?;
        split_row(value.body()).map_err(Unreadable::Damaged)?;
        Ok(value)
    }

    /// Takes a record that cannot be read out of the index, so that it is reported once and stops nobody.
    fn damaged(&mut self, place: &Place, detail: String) -> Damaged {
        self.index.forget(place);
        let key = keys::state(place.number);
        let gid = self.view.tree().get(key).ok().flatten().and_then(|entry| gid_of_damaged(&entry));
        Damaged { gid: gid.unwrap_or_else(|| format!("transaction number {}", place.number.0)), detail }
    }
}

/// The gid that a damaged entry seems to have: good enough to name it, and for nothing else.
pub(crate) fn gid_of_damaged(entry: &[u8]) -> Option<String> {
    let body = entry.get(crate::schema::HEADER..)?;
    split_row(body).ok().map(|(row, _)| row.gid).as_ref().map(Gid::to_string)
}

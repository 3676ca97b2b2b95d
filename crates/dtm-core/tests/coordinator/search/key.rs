//! When two worlds are the same for the search.
//!
//! Times, intervals and counts of failures are left out: they decide when something happens, and the search
//! lets everything happen at any time. What remains of time is what has passed.

use dtm_core::coordinator::CallKey;
use dtm_core::model::{BranchIndex, BranchStatus, State, Status};

use super::drive::Drive;
use super::world::{Local, World};

impl<D: Drive> World<'_, D> {
    /// Equal for worlds that need not be told apart.
    pub(crate) fn key(&self) -> Box<[u8]> {
        let mut key = Vec::with_capacity(64);
        let rows = u32::try_from(2 * self.sites.len()).expect("few sites");
        state(&mut key, &self.run.transaction().state, rows);
        state(&mut key, &self.durable, rows);
        let in_flight = self.run.in_flight();
        for index in (0..rows).map(BranchIndex::new) {
            let call = CallKey::Branch(index);
            key.push(u8::from(in_flight.has(call)) | u8::from(in_flight.is_parked(call)) << 1);
        }
        for call in [CallKey::Probe, CallKey::Resume] {
            key.push(u8::from(in_flight.has(call)) | u8::from(in_flight.is_parked(call)) << 1);
        }
        let next_retry = self.run.transaction().state.next_retry;
        let deadline = self.deadline();
        key.push(
            u8::from(in_flight.deferring())
                | u8::from(deadline.is_some_and(|at| self.now >= at)) << 1
                | u8::from(self.now >= next_retry) << 2
                | u8::from(self.wake.is_some()) << 3
                | u8::from(self.wake.is_some_and(|wake| wake <= self.now)) << 4
                | u8::from(self.wake.is_some() && self.wake == deadline) << 5
                | u8::from(self.forced) << 6,
        );
        for site in &self.sites {
            key.extend(site.bits());
        }
        for (site, phase) in &self.late {
            key.extend([u8::try_from(*site).expect("few sites"), *phase as u8]);
        }
        key.push(u8::try_from(self.late.len()).expect("few late calls"));
        let local = match self.local {
            Local::Open => 0,
            Local::Committed => 1,
            Local::RolledBack => 2,
        };
        let budget = self.budget;
        key.extend([local, budget.crashes, budget.late, budget.requests, budget.stops]);
        key.into_boxed_slice()
    }
}

fn state(key: &mut Vec<u8>, state: &State, rows: u32) {
    let status = match state.status {
        Status::Prepared => 0,
        Status::Submitted => 1,
        Status::Aborting => 2,
        Status::Succeed => 3,
        Status::Failed => 4,
    };
    key.push(status | u8::from(state.starts_recorded) << 3);
    for index in (0..rows).map(BranchIndex::new) {
        let row = state.progress_of(index);
        let status = match row.status {
            BranchStatus::Prepared => 0,
            BranchStatus::Succeed => 1,
            BranchStatus::Failed => 2,
        };
        let attempts = u8::try_from(row.attempts).expect("few attempts");
        key.push(status | u8::from(row.started) << 2 | attempts << 3);
    }
}

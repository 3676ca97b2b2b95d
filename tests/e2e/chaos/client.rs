//! One client: one transaction after the other, each up to its end.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::field::Field;
use super::race::Race;
use crate::kill::plan::Plan;

/// A transaction that a client has carried out.
pub(super) enum Carried {
    Plan(Plan),
    Race(Race),
}

impl Carried {
    /// Whether its client knows that it is stored.
    pub(super) fn is_acknowledged(&self) -> bool {
        match self {
            Self::Plan(plan) => plan.acknowledged,
            Self::Race(_) => true,
        }
    }

    async fn carry_out(&mut self, field: &Field, rng: &mut StdRng) -> bool {
        match self {
            Self::Race(race) => return race.carry_out(field, rng).await,
            Self::Plan(plan) => plan.carry_out(&field.world, rng).await,
        }
        true
    }

    /// Looks at it once more, at the end of the run.
    pub(super) async fn verify(&self, field: &Field) {
        match self {
            Self::Plan(plan) => plan.verify(&field.world).await,
            Self::Race(race) => race.verify(field).await,
        }
    }

    pub(super) fn gid(&self) -> &str {
        match self {
            Self::Plan(plan) => &plan.gid,
            Self::Race(race) => &race.gid,
        }
    }
}

/// Begins transactions until the run is over. What fails becomes part of the evidence.
pub(super) async fn client(field: Arc<Field>, seed: u64, number: u64) -> Vec<Carried> {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1 + number));
    let mut all = Vec::new();
    for turn in 0.. {
        if field.world.over() || field.evidence.violation().is_some() {
            break;
        }
        let gid = format!("c{number}-{turn}");
        field.evidence.expects(&gid);
        let mut it = if rng.random_ratio(1, 3) {
            Carried::Plan(Plan::random(&mut rng, &gid))
        } else {
            Carried::Race(Race::random(&mut rng, &gid, &field))
        };
        let (on, mut luck) = (Arc::clone(&field), rng.clone());
        // In a task of its own, so that it is known which one fails.
        let carried = tokio::spawn(async move { it.carry_out(&on, &mut luck).await.then_some(it) }).await;
        match carried {
            Ok(carried) => all.extend(carried),
            Err(error) => field.evidence.violates(&gid, error.to_string()),
        }
    }
    all
}

//! One transfer, drawn.

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::super::banks::{ACCOUNTS, Bank};

/// Out of one account, into another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub(super) gid: String,
    pub(super) out: Leg,
    pub(super) into: Leg,
    /// Its end is that it is rolled back, because somebody says no.
    pub(super) is_refused: bool,
}

/// What happens in one bank.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Leg {
    pub(super) bank: Bank,
    /// Which process serves it.
    pub(super) site: usize,
    pub(super) account: i64,
    pub(super) cents: i64,
}

/// What a branch is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) account: i64,
    pub(super) cents: i64,
    /// Whether it says no.
    pub(super) refuses: bool,
}

impl Transfer {
    pub(super) fn draw(rng: &mut StdRng, gid: String, sites: usize) -> Self {
        let cents = rng.random_range(1..100);
        let mut leg = |cents| Leg {
            bank: if rng.random() { Bank::Mysql } else { Bank::Postgres },
            site: rng.random_range(0..sites),
            account: rng.random_range(0..ACCOUNTS),
            cents,
        };
        let (out, into) = (leg(-cents), leg(cents));
        Self { gid, out, into, is_refused: rng.random_ratio(1, 4) }
    }
}

impl Leg {
    /// What its branch is told.
    pub(super) const fn order(self, refuses: bool) -> Order {
        Order { account: self.account, cents: self.cents, refuses }
    }
}

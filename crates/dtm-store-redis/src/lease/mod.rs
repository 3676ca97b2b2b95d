//! Who gets what is due, and what is made due.
//!
//! | module | what it holds |
//! |---|---|
//! | `claim` | looking and taking until there is no more |
//! | `look`, `strides` | what can be claimed, the longest due first |
//! | `take` | taking what is still as it was read |
//! | `mend` | entries of indexes to which no record belongs |
//! | `lost` | claims whose answer nobody has got |
//! | `damage` | records that cannot be read: each is reported once and stops nobody |
//! | `reschedule` | what is made due now |

mod claim;
mod damage;
mod look;
mod lost;
mod mend;
mod reschedule;
mod strides;
mod take;

pub(crate) use damage::KnownDamage;
pub(crate) use lost::LostClaims;

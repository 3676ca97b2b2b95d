//! Several servers on one store, which has to be one that they can share: `E2E_STORE=postgres` or `mysql`.
//!
//! | file | idea |
//! |---|---|
//! | `take_over` | what a server that is killed, or that stops, leaves to the others |
//! | `paused` | a server that stands still for longer than the others wait for it |
//! | `requests` | requests to another server than the one that drives the transaction |
//! | `topics` | a change of a topic on one server is a change on all |
//! | `names` | two servers under one name |
//! | `clocks` | servers whose clocks differ |

mod clocks;
mod names;
mod paused;
mod requests;
mod take_over;
mod topics;

use std::sync::Arc;

use crate::harness::{Place, Server, Settings};

/// Two servers on one store; `None`, after saying so, when the store is not one that servers can share.
async fn two(settings: Settings) -> Option<(Server, Server)> {
    let place = Arc::new(Place::shared()?);
    Some((settings.clone().start_at(&place).await, settings.start_at(&place).await))
}

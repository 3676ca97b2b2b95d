//! From the name of a service to one of its addresses.
//!
//! | URL | its addresses |
//! |---|---|
//! | `static://NAME/...` | those that `Discovery.Services` has for NAME |
//! | `dns://HOST:PORT/...` | all A and AAAA records of HOST, with PORT |
//! | `dns+srv://NAME/...` | all targets of the SRV records of NAME, those of the lowest priority first |
//!
//! Addresses are called in turn. One that cannot be reached is left out for a while, the next one is called at
//! once instead, and the name is looked up again.
//!
//! | file | idea |
//! |---|---|
//! | `driver` | the seam: what a driver knows |
//! | `static_driver`, `dns` | each driver |
//! | `addresses` | which address is next |
//! | `names` | what was looked up, shared and bounded |
//! | `drivers` | all of them together |

mod addresses;
mod dns;
mod driver;
mod drivers;
mod names;
mod static_driver;

pub use drivers::Discovery;
pub(super) use drivers::{Endpoint, Service};

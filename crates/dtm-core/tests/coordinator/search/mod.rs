//! A model of everything around the coordinator, and a search through all that can happen in it.
//!
//! | file | idea |
//! |---|---|
//! | `site` | a branch service with its barrier: what took effect there |
//! | `world` | a run, what is stored of it, the sites, calls that are late, the client, the clock |
//! | `event`, `apply` | what can happen next, and what it changes |
//! | `key` | when two worlds are the same for the search |
//! | `drive`, `planted` | the coordinator under test, and ones with a bug that the search has to find |
//! | `invariants` | what must hold, one file each |
//! | `explore` | breadth first through all worlds, and whether an end can be reached from each |
//! | `scenario`, `cases` | where it starts |
//! | `walk` | one random way through something larger |

mod apply;
mod cases;
mod drive;
mod event;
mod explore;
pub(crate) mod invariants;
mod key;
mod planted;
mod scenario;
mod site;
pub(crate) mod walk;
mod world;

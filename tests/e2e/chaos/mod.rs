//! Several servers under the load of 100 clients, while servers die and stand still, the database dies, and the network
//! between the two loses, delays and drops what goes through it. Afterwards every transaction has to end, and what has
//! happened has to fit what was wanted: invariants I1, I2, I3, I4, I8, I9 and I11.
//!
//! `bash tests/run.sh --chaos SECONDS`; `CHAOS_SECONDS` and `CHAOS_SEED` reach one run.
//!
//! | file | idea |
//! |---|---|
//! | `run` | one run: load, faults, peace, and what is checked then |
//! | `stage` | the servers, a database of their own, and a network between them that can fail |
//! | `faults` | what happens to servers, database and network |

mod faults;
mod run;
mod stage;

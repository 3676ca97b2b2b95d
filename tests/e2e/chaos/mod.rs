//! Several servers under the load of 200 clients, while servers die and stand still, the database dies, and the network
//! between the two loses, delays and drops what goes through it. Afterwards every transaction has to end, and what has
//! happened has to fit what was wanted: invariants I1, I2, I3, I4, I8, I9 and I11.
//!
//! `bash tests/run.sh --chaos SECONDS`; `CHAOS_SECONDS` and `CHAOS_SEED` reach one run.
//!
//! What may never be seen, whoever is asked and called at whatever moment:
//!
//! - Something durable that is gone: a status that goes back, a row that had ended and has not, anything at all that is
//!   different after the end. All servers are asked again and again, for what is under way and for what has ended.
//! - A call after the end was known, or one that goes forward after the roll-back was known, that is not explained by the
//!   100 ms for which a server trusts its ownership, or by a server that stood still when it was about to call.
//! - Two acknowledged requests that contradict each other, or a client that waited and was told another end.
//! - Effects that do not fit the end; a transaction that is forgotten, or does not end when all is well again.
//!
//! Bugs that were planted to see whether this finds them, each found in less than a minute:
//!
//! | bug | store | found as | after |
//! |---|---|---|---|
//! | `commit` does not compare the owner | PostgreSQL | a cancelled branch was not cancelled any more | 50 s |
//! | the same | MariaDB | a step of a message was not done any more | 42 s |
//! | the same | Redis | an action that another server had called was not compensated | 23 s |
//! | a driver takes a conflict for success | PostgreSQL | a call 2.1 s after the end | 33 s |
//!
//! | file | idea |
//! |---|---|
//! | `run` | one run: load, faults, peace, and what is checked then |
//! | `stage` | the servers, a database of their own, and a network between them that can fail |
//! | `faults` | what happens to servers, database and network |
//! | `client` | one client after the other: a plan, or a race |
//! | `race` | a transaction whose end is open until it is there |
//! | `field` | what clients share: requests to any server, and looks at what it shows |
//! | `evidence` | who has called what and when, who has shown what and when, and what of this may never be |
//! | `sight` | what a server has shown of a transaction, and what it may show afterwards |

mod client;
mod evidence;
mod faults;
mod field;
mod race;
mod run;
mod sight;
mod stage;

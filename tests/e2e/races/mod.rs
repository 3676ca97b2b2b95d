//! Requests, time-outs and calls that meet at the same moment, 2,000 times each, against the real server.
//!
//! | file | idea |
//! |---|---|
//! | `field` | server, branch service and books of one race, and how its rounds are run |
//! | `books` | what the branch service has seen of each transaction, and what may never be seen |
//! | `decisions` | submit, abort, time-out, back-check and registration against one another |
//! | `repetitions` | the same submit several times at once, and again while a confirm fails |
//! | `forced` | a forced stop while branches are being called |
//! | `prefixes` | gids that are prefixes of one another |
//!
//! Whatever the moment, a race has one winner, everybody is told what is true, and no row is called twice at the
//! same time. Every pause comes from a seed; a failure prints it.

mod books;
mod decisions;
mod field;
mod forced;
mod prefixes;
mod repetitions;

use books::Books;
use field::{Field, Luck};

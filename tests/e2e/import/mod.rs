//! `dtm-server import`, with data that a real DTM 1.19 has written (`tests/import/fixtures/README.md`).
//!
//! | file | idea |
//! |---|---|
//! | `source` | a store of DTM, filled with a fixture |
//! | `command` | the import as a process |
//! | `expected` | how each unfinished transaction has to end, and whom it has to call for that |
//! | `ends` | after the import every transaction ends as DTM would have ended it |
//! | `refusals` | what is not taken |
//! | `running` | a DTM that runs, or was stopped long ago; servers that run on the target |
//! | `dry_run` | what would be taken, and nothing written |
//! | `pages` | more than fits into one page |

mod command;
mod dry_run;
mod ends;
mod expected;
mod pages;
mod refusals;
mod running;
mod source;

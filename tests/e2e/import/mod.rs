//! `dtm-server import`, with data that a real DTM 1.19 has written (`tests/import/fixtures/README.md`).
//!
//! | file | idea |
//! |---|---|
//! | `source` | a store of DTM, filled with a fixture |
//! | `command` | the import as a process |
//! | `expected` | how each unfinished transaction has to end, and whom it has to call for that |
//! | `ends` | after the import every transaction ends as DTM would have ended it |
//! | `refusals` | what is not taken, and a DTM that is running |

mod command;
mod ends;
mod expected;
mod refusals;
mod source;

//! Whole executions, against a server in memory.
//!
//! | file | idea |
//! |---|---|
//! | `memory` | the server: what it keeps, and where it can be made to fail |
//! | `endings` | success, rollback, what is recorded of them, and what a later execution is told |
//! | `interruptions` | an execution that ends on any line, and the next one |
//! | `go_records` | records as Go's SDK writes them |
//! | `together` | steps at the same time, executions at the same time |

mod endings;
mod go_records;
mod interruptions;
mod memory;
mod together;

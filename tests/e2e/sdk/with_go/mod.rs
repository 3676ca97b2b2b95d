//! Branches in Go and in Rust in one transaction, with one barrier table.
//!
//! The Go process is the program of `tests/compat/go`, with the published SDK: `bash tests/compat/run.sh mixed` builds it and
//! runs these cases. Both languages serve the same branch, an account behind the barrier, on the same MariaDB and the same
//! PostgreSQL.
//!
//! | file | idea |
//! |---|---|
//! | `stage` | the server, the databases, and the branch in both languages |
//! | `case` | one transaction, and everything that is to be there afterwards |
//! | `modes` | sagas, TCC opened here, TCC opened by Go |

mod case;
mod modes;
mod stage;

//! Messages: calls that are made if, and only if, a local transaction commits.
//!
//! | file | idea |
//! |---|---|
//! | `builder` | what is to be called, and prepare and submit |
//! | `do_and_submit` | a local transaction of one's own, and then the decision |
//! | `database` | the same in a database of sqlx |

mod builder;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod database;
mod do_and_submit;

pub use builder::Message;

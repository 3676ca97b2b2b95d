//! Applications that are killed with SIGKILL at random moments, again and again, in the midst of their transactions, with their
//! money in MariaDB and PostgreSQL (invariants I3, I4, I7, I8, I9, I10, I12).
//!
//! Two processes of one application work at the same time. Each begins transfers between the two banks, and serves the
//! branches, back-checks and callbacks of its own transfers and of the other's. A supervisor kills each of them after a moment
//! that is drawn, and starts it again on the same address, which is the supervisor's: as with inetd, the application
//! inherits the socket. The application is this very test binary, which runs `process::an_application`.
//!
//! `E2E_KILLS` is how often each mode is killed, and `E2E_SEED` draws the same moments, banks and accounts again.
//!
//! When everything has ended, both databases are looked at. And as a kill that hits nothing shows nothing, the application says where
//! it is, and a run whose deaths were not inside what it is about fails.
//!
//! Bugs that were planted to see whether this finds them, each with 60 kills:
//!
//! | bug | loop | found as |
//! |---|---|---|
//! | each barrier row has a number of its own | messages | the branch took effect twice |
//! | the same | TCC | a try is not cancelled |
//! | the same | workflows | two steps are not undone |
//! | a message is submitted before its local transaction commits | messages | its branch was called, and nothing was committed |
//! | a back-check says "committed" without looking | messages | the same |
//! | a branch of XA is not registered | XA | `succeed`, and nothing is there |
//! | the rollback of XA does nothing | XA | branches that are still prepared |
//!
//! | file | idea |
//! |---|---|
//! | `loops` | the runs |
//! | `supervisor` | kills a process and starts it again |
//! | `diary` | where a process was when it died, and what it has said of its transactions |
//! | `ends` | waits for the ends, and compares them with what the banks have |
//! | `process` | the application: what it is told, and its addresses |
//! | `branches` | what it serves |
//! | `transfer` | one transfer, drawn |
//! | `work` | the transfers that it begins, in each mode |

mod branches;
mod diary;
mod ends;
mod loops;
mod process;
mod supervisor;
mod transfer;
mod work;

//! The SDK's workflows against the real server.
//!
//! | file | idea |
//! |---|---|
//! | `site` | where an application is called back, and the workflow of most cases |
//! | `endings` | success and rollback, over both protocols |
//! | `deaths` | an execution that ends half-way, and who goes on |
//! | `kills` | executions that are killed at random |
//! | `callback` | what the callback answers, hostile input included |
//! | `grpc_calls` | generated clients on a channel that records |
//! | `together` | two processes at once |
//! | `with_go` | one workflow by two SDKs, Go's and ours |
//! | `with_go_xa` | one step of XA by both |
//! | `banks` | an account in each database, for steps of XA |
//! | `xa` | steps of XA: how they end, and what interrupts them |
//! | `xa_deaths` | steps of XA that are dropped at random, and by two processes at once |
//! | `replays` | a thousand steps, and functions that ask for others |

mod banks;
mod callback;
mod deaths;
mod endings;
mod grpc_calls;
mod kills;
mod replays;
mod site;
mod together;
mod with_go;
mod with_go_xa;
mod xa;
mod xa_deaths;

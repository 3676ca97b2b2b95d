//! Our own client against the real server, over all three protocols.
//!
//! | file | idea |
//! |---|---|
//! | `world` | a server, branches and a client that speak one protocol |
//! | `proxy` | a way to the server on which answers get lost |
//! | `saga`, `tcc`, `nested`, `xa`, `message`, `workflow` | the modes |
//! | `database` | a message and a local transaction |
//! | `xa_database` | XA in two databases |
//! | `banks` | two banks in two databases |
//! | `with_go` | branches in Go and in Rust in one transaction |
//! | `kills` | applications that are killed, with their money in two databases |
//! | `lost` | answers that get lost, servers that die, clients that go away |
//! | `dropped` | clients that go away at any moment |
//! | `fail_over` | several addresses |
//! | `tls` | certificates |
//! | `misuse` | wrong addresses, wrong input |

mod banks;
mod database;
mod dropped;
mod fail_over;
mod kills;
mod lost;
mod message;
mod misuse;
mod nested;
pub(crate) mod proxy;
mod saga;
mod tcc;
mod tls;
mod with_go;
mod workflow;
mod world;
mod xa;
mod xa_database;

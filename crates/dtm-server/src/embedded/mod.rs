//! The coordinator inside your application: no second process, branches are async functions, any store.
//!
//! The same coordinator as the server's, with the same guarantees: what [`Saga::submit`] has accepted is durable, and is
//! driven to its end, also by the next start of the application. For services that want no process beside them, and for
//! tests.
//!
//! ```no_run
//! use dtm_server::config::StoreConfig;
//! use dtm_server::embedded::{BranchContext, BranchError, BranchOp, BranchResult, Done, Embedded, Error, Step, local};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order { item: String, count: u32 }
//!
//! async fn stock(call: BranchContext, order: Order) -> BranchResult {
//!     match call.op {
//!         BranchOp::Compensate => println!("{}: {} {} are back", call.gid, order.count, order.item),
//!         _ if order.count > 10 => return Err(BranchError::roll_back("there are only 10")),
//!         _ => println!("{}: {} {} are taken", call.gid, order.count, order.item),
//!     }
//!     Ok(Done)
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let coordinator = Embedded::builder(StoreConfig::sled("./data")).branch("stock", stock).start().await?;
//! let order = Order { item: "book".into(), count: 2 };
//! let saga = coordinator
//!     .saga("order-1001")
//!     .step(Step::new(local("stock"), local("stock")).payload(&order)?)
//!     .step(Step::new("http://pay/charge", "http://pay/refund").payload(&order)?) // remote branches are as good
//!     .wait_result();
//! match saga.submit().await {
//!     Ok(_) => println!("done everywhere"),
//!     Err(Error::RolledBack { reason, .. }) => println!("undone everywhere: {reason}"),
//!     Err(other) => return Err(other.into()), // still running, refused, or unknown: submit again with the same gid
//! }
//! coordinator.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Every mode
//!
//! Everything is started by the builders of `dtm-client`, whose server is this coordinator: sagas, TCC, nested TCC, XA, messages
//! that follow a transaction of a database, and workflows by `dtm-workflow` ([`EmbeddedBuilder::workflows`]), with branches of
//! this process and remote ones. [`Coordinator::client`] is what `dtm-workflow` and XA ask for; [`EmbeddedBuilder::client`] gives
//! it before the start, to branches that need one. A branch of a TCC may be one function: its `op` says try, confirm or cancel.
//!
//! ```no_run
//! use dtm_server::config::StoreConfig;
//! use dtm_server::embedded::{BranchContext, BranchResult, Done, Embedded, local};
//!
//! async fn seat(call: BranchContext, number: u32) -> BranchResult {
//!     println!("{} of seat {number}", call.op);
//!     Ok(Done)
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let coordinator = Embedded::builder(StoreConfig::sled("./data")).branch("seat", seat).start().await?;
//! coordinator
//!     .tcc("trip-7")
//!     .run(async |tcc| {
//!         tcc.branch(local("seat")).confirm(local("seat")).cancel(local("seat")).call(&12).await?;
//!         let hotel = tcc.branch("http://hotel/try").confirm("http://hotel/confirm").cancel("http://hotel/cancel");
//!         hotel.call(&2).await?;
//!         Ok(())
//!     })
//!     .await?;
//! coordinator.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a branch of the application has to know
//!
//! - **It may be called more than once**, and a compensation may come without, or before, its action: after a crash nobody
//!   knows whether it took effect. The barrier of `dtm-barrier` makes that safe; the [`BranchContext`] is what it needs.
//! - **Any `?` means "try again later"**. Only [`BranchError::RollBack`] means "no". A panic is contained and means "try
//!   again later", too, and so does a payload that is not what the function expects.
//! - **A function that does not end in time** (`request_timeout`, 3 seconds unless set) **is dropped at its next await**, as
//!   if the process had crashed there, and is called again later. What it does inside one database transaction with the
//!   barrier is then undone by the database. It runs in a task of its own; one that blocks its thread, instead of awaiting,
//!   cannot be dropped: it goes on beside the next call. Put such work into `tokio::task::spawn_blocking`.
//! - **The name is what is stored**, as [`local`]`("stock")`. A name that a later version of the application does not
//!   register is no failure: the transaction waits, is tried again with back-off, logs a warning each time, and alerts. Keep
//!   the name until no unfinished transaction uses it.
//! - **Applications that share a database have to register the same names.** Any of them may take up what another one left,
//!   and the one that drives a transaction calls its own functions.
//!
//! # Threads and ends
//!
//! It runs on the tokio runtime that [`EmbeddedBuilder::start`] is called on. [`Embedded::stop`] lets running passes end,
//! and releases everything. A process that dies without it loses nothing that was accepted: the next start, or another
//! application on the same database, goes on.

mod branch;
mod builder;
mod client;
mod coordinator;
mod local;
mod presence;
mod running;

pub use builder::EmbeddedBuilder;
pub use coordinator::Coordinator;
pub use dtm_barrier::{BranchContext, BranchError, BranchOp, BranchResult, Done};
pub use dtm_client::{Client, Error, Fate, GlobalTcc, GlobalXa, Message, Receipt, Saga, Step, Transaction};
pub use dtm_core::model::{Mode, Status};
pub use local::local;
pub use running::Embedded;

pub use crate::start_error::StartError;

//! The real `dtm-server` binary, black box over HTTP and gRPC.
//!
//! | file | idea |
//! |---|---|
//! | `harness` | the binary, the branch service, the client, what a case asserts |
//! | `envelope`, `verbs`, `listing`, `sdk_bodies`, `json_rpc_api` | the API as existing clients see it |
//! | `branch_calls`, `branch_answers` | calls to branches, and every way in which a branch can misbehave |
//! | `grpc_branches`, `json_rpc_branches` | the same over gRPC and JSON-RPC |
//! | `discovery` | services whose addresses are configured, or stand in DNS |
//! | `saga`, `saga_options`, `saga_concurrent`, `tcc`, `xa`, `message`, `workflow` | the modes |
//! | `sdk_workflow` | workflows of the Rust SDK |
//! | `topics`, `kv` | messages to whoever subscribes, and the list of topics |
//! | `grpc_api`, `grpc_statuses`, `grpc_workflow`, `grpc_sdk_messages`, `grpc_standard_services` | the API over gRPC |
//! | `grpc_throughout` | gRPC from the client to the branches |
//! | `grpc_bad_input`, `grpc_bad_transport`, `grpc_connections` | what no gRPC client should send, and clients that leave |
//! | `passes` | when a transaction is driven, and that nothing waits for something else |
//! | `repeated`, `metrics_and_logs` | defects that must not come back |
//! | `races` | what meets at the same moment, 2,000 times each |
//! | `bad_input`, `bad_transport` | input that no client should send |
//! | `embedded` | what only the embedded store can be asked |
//! | `in_process` | the coordinator inside an application |
//! | `import` | taking over what a stopped DTM has left |
//! | `servers` | several servers on one store |
//! | `sdk` | our own client over all three protocols |
//! | `chaos` | several servers under load while they, their database and their network fail at random |
//! | `restart`, `kill` | SIGTERM, kill -9, and what is left afterwards |
//!
//! Each case starts a server and a branch service of its own on free ports and shares nothing, so all of them
//! run in parallel. `E2E_STORE` says on which store: sled, mysql, postgres. A case that fails prints the log of its server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod bad_input;
mod bad_transport;
mod branch_answers;
mod branch_calls;
mod chaos;
mod discovery;
mod embedded;
mod envelope;
mod grpc_api;
mod grpc_bad_input;
mod grpc_bad_transport;
mod grpc_branches;
mod grpc_connections;
mod grpc_sdk_messages;
mod grpc_standard_services;
mod grpc_statuses;
mod grpc_throughout;
mod grpc_workflow;
mod harness;
mod import;
mod in_process;
mod json_rpc_api;
mod json_rpc_branches;
mod kill;
mod kv;
mod listing;
mod message;
mod metrics_and_logs;
mod passes;
mod races;
mod repeated;
mod restart;
mod saga;
mod saga_concurrent;
mod saga_options;
mod sdk;
mod sdk_bodies;
mod sdk_workflow;
mod servers;
mod tcc;
mod topics;
mod verbs;
mod workflow;
mod xa;

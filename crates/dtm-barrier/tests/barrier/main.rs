//! The side of a branch: answers over HTTP and gRPC, and the barrier against real databases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests have nobody to report an error to")]

mod answers;
mod bank;
mod cases;
mod grpc;
mod handlers;
mod mysql;
mod postgres;
mod redis;
mod sqlite;
mod xa;

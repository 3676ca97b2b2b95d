//! The messages, clients and services of the gRPC API.
//!
//! The code in `src/gen` is generated from `proto/` at the top of the repository and checked in, so that no
//! build needs `protoc`. `tests/generated.rs` compares, and says how to update.

/// The API of the server: `dtmgimp.Dtm`.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated: the fields are described in proto/dtmgimp.proto"
)]
pub mod dtmgimp {
    include!("gen/dtmgimp.rs");
}

/// What applications with workflows serve: `workflow.Workflow`.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated: the fields are described in proto/workflow.proto"
)]
pub mod workflow {
    include!("gen/workflow.rs");
}

//! The gRPC API: its messages, clients and services, and what a request in it means.
//!
//! The code in `src/gen` is generated from `proto/` at the top of the repository and checked in, so that no
//! build needs `protoc`. `tests/generated.rs` compares, and says how to update.
//!
//! | file | idea |
//! |---|---|
//! | `transaction`, `branch` | from a message to the request that all protocols share |
//! | `progresses` | where a workflow stands, as it is answered |
//! | `codec` | how messages are read: not with more entries than a request may have |
//! | `status` | what goes along with an error |
//! | `dtmgimp`, `workflow` | the generated code |
//! | `descriptors` | the API as tools ask for it by reflection |

mod branch;
mod codec;
mod descriptors;
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated: the fields are described in proto/dtmgimp.proto"
)]
pub mod dtmgimp;
mod progresses;
mod status;
mod transaction;
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated: the fields are described in proto/workflow.proto"
)]
pub mod workflow;

pub use codec::{BoundedDecoder, Codec, Known};
pub use descriptors::FILE_DESCRIPTOR_SET;
pub use status::STATUS_METADATA;

//! The bytes of a request: one message with the prefix of gRPC's framing.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;

use dtm_core::coordinator::{BranchCall, CallOp};
use dtm_proto::grpc::workflow::WorkflowData;

/// The message is longer than gRPC can say.
#[derive(Debug, thiserror::Error)]
#[error("the payload is longer than 4 GiB, which gRPC cannot carry")]
pub(super) struct TooLong;

/// The payload as it is (behaviour 45); the call-back of a workflow has a message of its own (behaviour 98).
pub(super) fn framed(call: &BranchCall) -> Result<Bytes, TooLong> {
    match &call.op {
        CallOp::Branch(_) => frame(call.payload.as_bytes()),
        CallOp::Workflow(_) => {
            frame(&WorkflowData { data: call.payload.as_bytes().to_vec() }.encode_to_vec())
        }
    }
}

fn frame(message: &[u8]) -> Result<Bytes, TooLong> {
    let length = u32::try_from(message.len()).map_err(|_| TooLong)?;
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(NOT_COMPRESSED);
    framed.put_u32(length);
    framed.put_slice(message);
    Ok(framed.freeze())
}

/// A byte that says whether the message is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const NOT_COMPRESSED: u8 = 0;

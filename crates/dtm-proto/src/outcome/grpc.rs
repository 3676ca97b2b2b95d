//! Answers over gRPC.

use dtm_core::model::Outcome;

/// What the status of a branch over gRPC means (behaviour 46).
#[must_use]
pub fn from_grpc(code: tonic::Code, message: &str) -> Outcome {
    match code {
        tonic::Code::Ok => Outcome::Success,
        // older SDKs have no code of their own for it
        tonic::Code::Aborted if message == "ONGOING" => Outcome::Ongoing,
        tonic::Code::Aborted => Outcome::Failure { reason: message.to_owned() },
        tonic::Code::FailedPrecondition => Outcome::Ongoing,
        other => Outcome::Unknown { cause: format!("the branch answered gRPC status {other:?}") },
    }
}

//! What an error over gRPC says.

use std::error::Error as _;

use dtm_proto::grpc::STATUS_METADATA;
use tonic::{Code, Status};

use super::super::Verdict;
use super::super::verdict::judge;

/// Whether no server has said this: there was no connection, or it broke. A gateway that finds no server
/// says the same.
pub(super) fn is_of_transport(status: &Status) -> bool {
    status.code() == Code::Unavailable
        || status.source().is_some()
        // the generated client drops the source of this one
        || status.message().starts_with("Service was not ready")
}

/// Read as the same answer over HTTP is (behaviour 43).
pub(super) fn verdict(status: &Status) -> Verdict {
    let stands = status.metadata().get(STATUS_METADATA).and_then(|value| value.to_str().ok());
    judge(http_code(status.code()), status.message().to_owned(), stands)
}

/// The HTTP status that stands for a code.
const fn http_code(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound | Code::Unimplemented => 404,
        Code::Aborted | Code::AlreadyExists => 409,
        Code::FailedPrecondition => 425,
        Code::ResourceExhausted => 429,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    }
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use dtm_core::model;

    use super::*;

    #[test]
    fn each_code_has_the_meaning_that_the_same_answer_has_over_http() {
        // behaviour 43, decision 5
        let mut rolled_back = Status::aborted("no FAILURE");
        rolled_back.metadata_mut().insert(STATUS_METADATA, MetadataValue::from_static("failed"));
        let expected = Verdict::Stands { status: model::Status::Failed, reason: Some("no".to_owned()) };
        assert_eq!(verdict(&rolled_back), expected);
        let late = Status::aborted("current status 'succeed', cannot sumbmit. FAILURE");
        assert_eq!(verdict(&late), Verdict::Stands { status: model::Status::Succeed, reason: None });
        assert!(matches!(verdict(&Status::aborted("other content")), Verdict::Conflict { code: 409, .. }));
        for (status, expected) in [
            (Status::invalid_argument("gid is empty"), 400),
            (Status::unimplemented("no such method"), 404),
            (Status::unauthenticated("who?"), 401),
        ] {
            assert!(
                matches!(verdict(&status), Verdict::Refused { code, .. } if code == expected),
                "{status}"
            );
        }
        for status in
            [Status::unknown("disk is slow"), Status::internal("x"), Status::resource_exhausted("x")]
        {
            assert!(matches!(verdict(&status), Verdict::Unclear { .. }), "{status}");
        }
    }
}

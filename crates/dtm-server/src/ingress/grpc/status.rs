//! An error as a gRPC status.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use dtm_core::model::truncate;
use dtm_proto::grpc::STATUS_METADATA;

use crate::api::{ApiError, Class};

/// The longest message, as it is encoded. Some clients take no more than 8 KiB of trailers, and would not see the
/// status at all.
const MESSAGE_BYTES_MAX: usize = 6_144;

/// Behaviour 43: the message is the one of HTTP. Decision 5: where the transaction stands goes along as metadata.
pub(super) fn status_of(error: ApiError) -> Status {
    let code = match error.class {
        Class::Failure => Code::Aborted,
        Class::Ongoing => Code::FailedPrecondition,
        Class::Invalid => Code::InvalidArgument,
        Class::Internal => Code::Unknown,
    };
    let mut status = Status::new(code, shortened(error.message));
    if let Some(stands) = error.status {
        status.metadata_mut().insert(STATUS_METADATA, MetadataValue::from_static(stands.as_str()));
    }
    status
}

fn shortened(message: String) -> String {
    // Anything but printable ASCII takes three bytes each.
    let cost = |byte: u8| if matches!(byte, b' '..=b'~') && byte != b'%' { 1 } else { 3 };
    let mut encoded = 0;
    let fits = message.bytes().take_while(|byte| {
        encoded += cost(*byte);
        encoded <= MESSAGE_BYTES_MAX
    });
    let fits = fits.count();
    if fits == message.len() { message } else { format!("{}...", truncate(&message, fits)) }
}

#[cfg(test)]
mod tests {
    use dtm_core::model::Status as TransactionStatus;

    use super::*;

    fn error(class: Class, message: &str) -> ApiError {
        ApiError { class, message: message.to_owned(), status: None }
    }

    #[test]
    fn each_class_has_its_code_and_the_message_stays() {
        // behaviour 43
        for (class, code) in [
            (Class::Failure, Code::Aborted),
            (Class::Ongoing, Code::FailedPrecondition),
            (Class::Invalid, Code::InvalidArgument),
            (Class::Internal, Code::Unknown),
        ] {
            let status = status_of(error(class, "why: 'x' 100 %"));
            assert_eq!((status.code(), status.message()), (code, "why: 'x' 100 %"));
            assert!(status.metadata().is_empty());
        }
    }

    #[test]
    fn where_the_transaction_stands_goes_along() {
        // decision 5
        let waited = ApiError { status: Some(TransactionStatus::Submitted), ..error(Class::Failure, "m") };
        assert_eq!(status_of(waited).metadata().get(STATUS_METADATA).unwrap(), "submitted");
    }

    #[test]
    fn a_message_that_clients_would_choke_on_is_shortened_between_characters() {
        let plain = status_of(error(Class::Failure, &"x".repeat(6_144)));
        assert_eq!(plain.message().len(), 6_144);
        let foreign = status_of(error(Class::Failure, &"库存".repeat(2_000)));
        let text = foreign.message().strip_suffix("...").unwrap();
        assert!(text.len() <= 2_048 && text.len() > 2_040 && text.starts_with("库存库存"), "{}", text.len());
    }
}

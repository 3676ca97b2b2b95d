//! What a transaction manager sees of a gRPC handler's result, and what a handler sees of its call.

use dtm_barrier::{BranchBarrier, BranchContext, BranchError, BranchOp, Mode};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Request, Status};

const CALL: [(&str, &[u8]); 4] = [
    ("dtm-gid", b"order-1"),
    ("dtm-branch_id", b"01"),
    ("dtm-op", b"compensate"),
    ("dtm-trans_type", b"saga"),
];

fn metadata(pairs: &[(&'static str, &[u8])]) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    for (name, value) in pairs {
        metadata.append(*name, AsciiMetadataValue::try_from(*value).unwrap());
    }
    metadata
}

#[test]
fn the_barrier_comes_from_the_metadata_of_a_request() {
    // behaviour 45
    let mut request = Request::new(());
    *request.metadata_mut() = metadata(&CALL);
    let barrier = BranchBarrier::from_grpc(&request).unwrap();
    assert_eq!(barrier.context(), &BranchContext::new("order-1", "01", BranchOp::Compensate, Mode::Saga));
    assert_eq!(&BranchContext::from_grpc(&request).unwrap(), barrier.context());
}

#[test]
fn a_gid_in_any_script_is_a_gid() {
    let mut call = CALL;
    call[0].1 = "订单".as_bytes();
    assert_eq!(BranchContext::from_metadata(&metadata(&call)).unwrap().gid, "订单");
}

#[test]
fn metadata_that_is_missing_empty_twice_unknown_or_no_text_is_named_and_refused() {
    // behaviour 45
    let said = |call: &[(&'static str, &[u8])]| {
        let error = BranchBarrier::from_metadata(&metadata(call)).unwrap_err();
        let status = Status::from(error.clone());
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "a manager asks again later, and never rolls back for it"
        );
        error.to_string()
    };
    for missing in 0..CALL.len() {
        let mut call = CALL.to_vec();
        let (name, _) = call.remove(missing);
        let name = name.trim_start_matches("dtm-");
        assert_eq!(said(&call), format!("not a branch call: {name} is missing"));
    }
    let with = |place: usize, value: &'static [u8]| {
        let mut call = CALL;
        call[place].1 = value;
        call
    };
    assert_eq!(said(&with(0, b"")), "not a branch call: gid is empty");
    assert_eq!(said(&with(0, b"\xff\xfe")), "not a branch call: dtm-gid is not UTF-8");
    assert!(said(&with(2, b"explode")).contains("unknown op 'explode'"));
    assert!(said(&with(3, b"ballad")).contains("unknown trans_type 'ballad'"));
    let twice = [CALL.as_slice(), &[("dtm-gid", b"order-2")]].concat();
    assert_eq!(said(&twice), "not a branch call: dtm-gid is given twice");
}

#[test]
fn each_error_becomes_the_status_that_a_transaction_manager_knows_and_back() {
    // behaviour 46
    let status = |error| {
        let status = Status::from(error);
        (status.code(), status.message().to_owned())
    };
    assert_eq!(status(BranchError::roll_back("sold out")), (Code::Aborted, "sold out".into()));
    assert_eq!(status(BranchError::Ongoing), (Code::FailedPrecondition, "ONGOING".into()));
    assert_eq!(
        status(BranchError::roll_back("ONGOING")),
        (Code::Aborted, "ongoing".into()),
        "this text would mean that the branch is still at it"
    );
    let (code, text) = status(std::io::Error::other("disk").into());
    assert_eq!((code, text.as_str()), (Code::Unknown, "try again later: disk"));

    let back = |code, message: &str| BranchError::from_status(Status::new(code, message));
    assert!(matches!(back(Code::Aborted, "sold out"), BranchError::RollBack(reason) if reason == "sold out"));
    assert!(matches!(back(Code::Aborted, "ONGOING"), BranchError::Ongoing));
    assert!(matches!(back(Code::FailedPrecondition, ""), BranchError::Ongoing));
    for code in [Code::Ok, Code::Unknown, Code::Unavailable, Code::DeadlineExceeded, Code::NotFound] {
        assert!(matches!(back(code, ""), BranchError::Retry(_)), "{code:?}");
    }
}

#[test]
fn the_no_of_somebody_else_is_not_ours_unless_we_say_so() {
    // behaviour 46
    fn ask() -> Result<(), BranchError> {
        Err(Status::aborted("sold out"))?
    }
    assert_eq!(Status::from(ask().unwrap_err()).code(), Code::Unknown);
}

//! What a client that waits for the result is told (behaviour 68, 80, 91, decision 5).

use dtm_core::coordinator::PassEnd;
use dtm_core::model::{Mode, Outcome, Status};

use super::{ApiError, Class};

const NOT_ENDED: &str = "wait result not return success: FAILURE";
const WRONG_RESULT: &str = "your http/grpc result should be specified as in:\n\
                            http://d.dtm.pub/practice/arch.html#proto\nunkown result will be retried: ";

pub(super) fn result_of_wait(mode: Mode, end: PassEnd) -> Result<(), ApiError> {
    if mode == Mode::Workflow {
        return Ok(()); // its client has just said itself how it ended (behaviour 96)
    }
    let status = end.status;
    let error = match (status, end.trouble) {
        (Status::Succeed, _) => return Ok(()),
        (Status::Failed, _) => {
            ApiError::new(Class::Failure, failed(end.reason.as_deref().unwrap_or_default()))
        }
        (Status::Prepared | Status::Submitted | Status::Aborting, trouble) => unfinished(mode, trouble),
    };
    Err(error.with_status(status))
}

/// The same for a client that has aborted: what it wanted is the roll-back.
pub(super) fn result_of_abort(end: PassEnd) -> Result<(), ApiError> {
    match end.status {
        Status::Failed => Ok(()),
        // A message ends at once, and TCC and XA have the same answers.
        status => Err(unfinished(Mode::Tcc, end.trouble).with_status(status)),
    }
}

fn unfinished(mode: Mode, trouble: Option<Outcome>) -> ApiError {
    let not_ended = || ApiError::new(Class::Failure, NOT_ENDED.to_owned());
    match (mode, trouble) {
        (Mode::Tcc | Mode::Xa | Mode::Message, Some(Outcome::Failure { reason })) => {
            ApiError::new(Class::Failure, format!("{WRONG_RESULT}{}", failed(&reason)))
        }
        (
            Mode::Tcc | Mode::Xa | Mode::Message,
            Some(Outcome::Unknown { cause } | Outcome::NotSent { cause }),
        ) => ApiError::new(Class::Internal, format!("{WRONG_RESULT}{cause}")),
        (Mode::Tcc | Mode::Xa, _) => ApiError::new(Class::Ongoing, "ONGOING".to_owned()),
        (Mode::Saga | Mode::Message | Mode::Workflow, _) => not_ended(),
    }
}

/// Every SDK greps for the word.
fn failed(reason: &str) -> String {
    if reason.ends_with("FAILURE") { reason.to_owned() } else { format!("{reason} FAILURE") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(status: Status, reason: Option<&str>, trouble: Option<Outcome>) -> PassEnd {
        PassEnd { status, reason: reason.map(str::to_owned), trouble }
    }

    #[test]
    fn a_saga_that_is_rolled_back_answers_its_reason_and_one_that_goes_on_answers_that() {
        // behaviour 68, decision 5
        let rolled_back = result_of_wait(Mode::Saga, end(Status::Failed, Some("no stock FAILURE"), None));
        let error = rolled_back.unwrap_err();
        assert_eq!((error.class, error.message.as_str()), (Class::Failure, "no stock FAILURE"));
        assert_eq!(error.status, Some(Status::Failed));
        let timed_out =
            result_of_wait(Mode::Saga, end(Status::Failed, Some("Timeout after 3 seconds"), None));
        assert_eq!(timed_out.unwrap_err().message, "Timeout after 3 seconds FAILURE");
        let going_on = result_of_wait(Mode::Saga, end(Status::Submitted, None, Some(Outcome::Ongoing)));
        let error = going_on.unwrap_err();
        assert_eq!((error.class, error.message.as_str()), (Class::Failure, NOT_ENDED));
        assert_eq!(error.status, Some(Status::Submitted));
    }

    #[test]
    fn a_tcc_whose_confirm_is_ongoing_answers_ongoing_and_an_error_is_internal() {
        // behaviour 80, defect B18
        let ongoing = result_of_wait(Mode::Tcc, end(Status::Submitted, None, Some(Outcome::Ongoing)));
        assert_eq!(ongoing.unwrap_err().class, Class::Ongoing);
        let unknown = Outcome::Unknown { cause: "timed out".to_owned() };
        let error = result_of_wait(Mode::Tcc, end(Status::Submitted, None, Some(unknown)));
        assert_eq!(error.unwrap_err().class, Class::Internal);
    }
}

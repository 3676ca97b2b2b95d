//! What SDKs look at in the answers.

use crate::harness::Answer;

/// Python and C#: exactly 200, and the word FAILURE nowhere in the body.
pub(super) fn check_result(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("FAILURE"), "{answer:?}");
}

/// Java: the field has to say SUCCESS.
pub(super) fn check_dtm_result(answer: &Answer) {
    assert_eq!(answer.json()["dtm_result"], "SUCCESS", "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
}

//! What goes over the wire, and nothing about what it means for a saga.

mod answer;
mod body;
mod http;

pub(crate) use answer::{Answer, Verdict, without_marker};
pub(crate) use body::{
    NewGid, QueriedBranch, QueriedTransaction, Query, SagaCustomData, SubmitBody, SubmitStep,
};
pub(crate) use http::{Http, Patience};

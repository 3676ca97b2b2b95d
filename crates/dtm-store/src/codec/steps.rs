//! The steps of a definition.
//!
//! In version 2 they are as their client listed them, and each says who the subscribers of its topic were, or
//! `null` when it names none. So a payload that goes to many subscribers is written once.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use dtm_core::model::{Action, BranchId, ListedStep, Step, fan_out, listed};

use super::CodecError;
use super::bytes::{BytesIn, BytesOut};
use super::document::present;

/// The version of a definition that has steps which name a topic.
pub(super) const WITH_TOPICS: u32 = 2;

#[derive(Debug, Serialize)]
pub(super) struct StepOut<'a> {
    action: Cow<'a, str>,
    compensate: &'a str,
    payload: BytesOut<'a>,
    branch_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribers: Option<Option<Vec<&'a str>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepIn<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    compensate: Cow<'a, str>,
    payload: BytesIn,
    #[serde(borrow, deserialize_with = "present")]
    branch_id: Option<Cow<'a, str>>,
    /// The outer `None` is a document of version 1, which has no such field.
    #[serde(default, deserialize_with = "given")]
    subscribers: Option<Option<Vec<String>>>,
}

/// A step, and the subscribers of the topic that it names.
type WithSubscribers = (Step, Option<Vec<Arc<str>>>);

/// Whether any of the steps names a topic.
pub(super) fn with_topics(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.subscription.is_some())
}

pub(super) fn write_steps(steps: &[Step]) -> Vec<StepOut<'_>> {
    let with_topics = with_topics(steps);
    listed(steps).map(|step| write_step(&step, with_topics)).collect()
}

fn write_step<'a>(step: &ListedStep<'a>, with_topics: bool) -> StepOut<'a> {
    let subscribers: Option<Vec<&str>> = step.subscribers().map(|urls| urls.map(|url| &**url).collect());
    let branch_id = match subscribers {
        Some(_) => None, // follows from its place
        None => step.branches.first().and_then(|branch| branch.branch_id.as_ref()).map(BranchId::as_str),
    };
    StepOut {
        action: match step.action() {
            Action::Url(url) => url.into(),
            topic @ Action::Topic(_) => topic.to_string().into(),
        },
        compensate: step.compensate(),
        payload: BytesOut(step.payload()),
        branch_id,
        subscribers: with_topics.then_some(subscribers),
    }
}

pub(super) fn read_steps(
    name: &'static str,
    version: u32,
    steps: Vec<StepIn<'_>>,
) -> Result<Vec<Step>, CodecError> {
    let steps = steps.into_iter().map(|step| read_step(name, version, step));
    Ok(fan_out(steps.collect::<Result<Vec<_>, _>>()?))
}

fn read_step(name: &'static str, version: u32, step: StepIn<'_>) -> Result<WithSubscribers, CodecError> {
    let wrong = |detail: &str| CodecError::new(name, detail);
    let branch_id = step.branch_id.map(|text| BranchId::parse(&text)).transpose();
    let read = Step {
        action: step.action.into(),
        compensate: step.compensate.into(),
        payload: step.payload.0,
        branch_id: branch_id.map_err(|error| CodecError::new(name, error))?,
        subscription: None,
    };
    let subscribers = match (version, step.subscribers) {
        (WITH_TOPICS, Some(subscribers)) => subscribers,
        (WITH_TOPICS, None) => return Err(wrong("missing field `subscribers` of a step")),
        (_, Some(_)) => return Err(wrong("field `subscribers` of a step does not belong to this version")),
        (_, None) => None,
    };
    let Some(urls) = subscribers else { return Ok((read, None)) };
    if urls.is_empty() || read.unexpanded_topic().is_none() || read.branch_id.is_some() {
        return Err(wrong("the subscribers of a step do not belong to a topic"));
    }
    Ok((read, Some(urls.into_iter().map(Arc::from).collect())))
}

/// A field that is there, whatever it says.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

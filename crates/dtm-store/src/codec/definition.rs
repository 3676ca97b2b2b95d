//! The definition: written once, never rewritten.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dtm_core::model::{Definition, Gid, Options, Ordering, Plan, Protocol, Seconds, StepIndex, Timestamp};

use super::CodecError;
use super::bytes::{BytesIn, BytesOut};
use super::document::{VERSION, from_text_up_to, present, to_text};
use super::options::OptionsDocument;
use super::steps::{StepIn, StepOut, WITH_TOPICS, read_steps, with_topics, write_steps};

const NAME: &str = "definition";

/// The document of a definition.
///
/// # Errors
/// [`CodecError`] when it cannot be written as JSON.
pub fn encode_definition(definition: &Definition) -> Result<String, CodecError> {
    let Definition { gid, protocol, plan, options, custom_data, created_at } = definition;
    let document = DefinitionDocument {
        v: if with_topics(plan.steps()) { WITH_TOPICS } else { VERSION },
        gid: gid.as_str().into(),
        protocol: protocol.as_str().into(),
        plan: PlanOut::from(plan),
        options: options.into(),
        custom_data: custom_data.into(),
        created_at: created_at.as_millis(),
    };
    to_text(NAME, &document, size_hint(definition))
}

/// The definition in a document.
///
/// # Errors
/// [`CodecError`] when it is not exactly a document of a known version.
pub fn decode_definition(text: &str) -> Result<Definition, CodecError> {
    let document: DefinitionDocument<'_, PlanIn<'_>> =
        from_text_up_to(WITH_TOPICS, NAME, text, |document: &_| version(document))?;
    let wrong = |error: &dyn std::error::Error| CodecError::new(NAME, error);
    Ok(Definition {
        gid: Gid::parse(&document.gid).map_err(|error| wrong(&error))?,
        protocol: protocol(&document.protocol)?,
        plan: document.plan.read(document.v)?,
        options: Options::from(document.options),
        custom_data: document.custom_data.into_owned(),
        created_at: Timestamp::from_millis(document.created_at),
    })
}

fn version<P>(document: &DefinitionDocument<'_, P>) -> u32 {
    document.v
}

/// The empty text means HTTP on the wire, but a store always writes the name.
fn protocol(text: &str) -> Result<Protocol, CodecError> {
    if text.is_empty() {
        return Err(CodecError::new(NAME, "protocol is empty"));
    }
    Protocol::parse(text).map_err(|error| CodecError::new(NAME, error))
}

fn size_hint(definition: &Definition) -> usize {
    let steps = definition.plan.steps();
    let steps: usize = steps
        .iter()
        .map(|step| 80 + step.action.len() + step.compensate.len() + step.payload.as_bytes().len() * 5 / 4)
        .sum();
    400 + definition.custom_data.len() * 5 / 4 + steps
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefinitionDocument<'a, P> {
    v: u32,
    #[serde(borrow)]
    gid: Cow<'a, str>,
    #[serde(borrow)]
    protocol: Cow<'a, str>,
    plan: P,
    #[serde(borrow)]
    options: OptionsDocument<'a>,
    #[serde(borrow)]
    custom_data: Cow<'a, str>,
    created_at: u64,
}

type Orders = BTreeMap<u64, Vec<u64>>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum PlanOut<'a> {
    Saga {
        steps: Vec<StepOut<'a>>,
        orders: Option<BTreeMap<u32, Vec<u32>>>,
    },
    #[serde(rename = "msg")]
    Message {
        steps: Vec<StepOut<'a>>,
        query_prepared: &'a str,
        delay: Option<u32>,
    },
    Tcc,
    Xa,
    Workflow {
        callback: &'a str,
        name: &'a str,
        data: BytesOut<'a>,
    },
}

impl<'a> From<&'a Plan> for PlanOut<'a> {
    fn from(plan: &'a Plan) -> Self {
        match plan {
            Plan::Saga { steps, ordering } => Self::Saga {
                steps: write_steps(steps),
                orders: match ordering {
                    Ordering::Sequential => None,
                    Ordering::Concurrent(graph) => Some(
                        graph
                            .iter()
                            .map(|(step, before)| {
                                (step.get(), before.iter().copied().map(StepIndex::get).collect())
                            })
                            .collect(),
                    ),
                },
            },
            Plan::Message { steps, query_prepared, delay } => {
                Self::Message { steps: write_steps(steps), query_prepared, delay: delay.map(Seconds::get) }
            }
            Plan::Tcc => Self::Tcc,
            Plan::Xa => Self::Xa,
            Plan::Workflow { callback, name, data } => {
                Self::Workflow { callback, name, data: BytesOut(data) }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum PlanIn<'a> {
    Saga {
        #[serde(borrow)]
        steps: Vec<StepIn<'a>>,
        #[serde(deserialize_with = "present")]
        orders: Option<Orders>,
    },
    #[serde(rename = "msg")]
    Message {
        #[serde(borrow)]
        steps: Vec<StepIn<'a>>,
        #[serde(borrow)]
        query_prepared: Cow<'a, str>,
        #[serde(deserialize_with = "present")]
        delay: Option<u32>,
    },
    Tcc,
    Xa,
    Workflow {
        #[serde(borrow)]
        callback: Cow<'a, str>,
        #[serde(borrow)]
        name: Cow<'a, str>,
        data: BytesIn,
    },
}

impl PlanIn<'_> {
    fn read(self, version: u32) -> Result<Plan, CodecError> {
        Ok(match self {
            Self::Saga { steps, orders } => {
                let ordering = match orders {
                    None => Ordering::Sequential,
                    Some(orders) => Ordering::concurrent(steps.len(), &orders)
                        .map_err(|error| CodecError::new(NAME, error))?,
                };
                Plan::Saga { steps: read_steps(NAME, version, steps)?, ordering }
            }
            Self::Message { steps, query_prepared, delay } => Plan::Message {
                steps: read_steps(NAME, version, steps)?,
                query_prepared: query_prepared.into(),
                delay: delay.map(Seconds::new),
            },
            Self::Tcc => Plan::Tcc,
            Self::Xa => Plan::Xa,
            Self::Workflow { callback, name, data } => {
                Plan::Workflow { callback: callback.into(), name: name.into(), data: data.0 }
            }
        })
    }
}

//! From the topics that a message names to the branches of their subscribers.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use dtm_core::coordinator::Refusal;
use dtm_core::model::{Definition, Plan, Step, fan_out};

use super::topic_change::{check_name, of_store};
use super::{Api, ApiError, Class};

/// How many topics are read at once.
const READS_MAX: usize = 16;

type Topics = BTreeMap<String, Vec<Arc<str>>>;

/// A message whose topics are looked up.
pub(super) struct Expanded {
    /// With the branches of its subscribers, or as it was when something is in the way.
    pub(super) definition: Definition,
    /// What is in the way. Only a message that is not stored yet needs its topics now: a repetition counts
    /// whatever has become of them (decision 1).
    pub(super) obstacle: Option<ApiError>,
}

/// Looks up the topics of a message as they are now, each of them once: there is no cache, so a change counts
/// from the next message on, on every server (decision 22, defects B4, B17).
///
/// # Errors
/// [`ApiError`] when the store fails.
pub(super) async fn expanded(api: &Api, definition: Definition) -> Result<Expanded, ApiError> {
    let Plan::Message { steps, .. } = &definition.plan else {
        return Ok(Expanded { definition, obstacle: None });
    };
    let named: BTreeMap<&str, usize> =
        steps.iter().filter_map(Step::unexpanded_topic).fold(BTreeMap::new(), |mut counts, topic| {
            *counts.entry(topic).or_default() += 1;
            counts
        });
    if named.is_empty() {
        return Ok(Expanded { definition, obstacle: None });
    }
    let topics = load(api, named.keys().copied()).await?;
    let expanded =
        check(api, &definition, &named, &topics).and_then(|()| replaced(api, &definition, &topics));
    Ok(match expanded {
        Ok(definition) => Expanded { definition, obstacle: None },
        Err(obstacle) => Expanded { definition, obstacle: Some(obstacle) },
    })
}

/// The subscribers of each topic that there is.
async fn load(api: &Api, names: impl Iterator<Item = &str>) -> Result<Topics, ApiError> {
    let names: Vec<String> = names.filter(|name| check_name(name).is_ok()).map(str::to_owned).collect();
    let reads = names.into_iter().map(|name| async move {
        let topic = api.topics.load_topic(&name).await.map_err(of_store)?;
        Ok::<_, ApiError>(topic.map(|topic| {
            let urls = topic.subscribers.into_iter().map(|subscriber| Arc::from(subscriber.url));
            (name, urls.collect::<Vec<_>>())
        }))
    });
    let topics = stream::iter(reads).buffer_unordered(READS_MAX);
    topics.try_filter_map(|topic| async move { Ok(topic) }).try_collect().await
}

/// The message with the branches of its subscribers, if all of them can be called.
fn replaced(api: &Api, definition: &Definition, topics: &Topics) -> Result<Definition, ApiError> {
    let mut expanded = definition.clone();
    if let Plan::Message { steps, .. } = &mut expanded.plan {
        *steps = fan_out(std::mem::take(steps).into_iter().map(|step| {
            let subscribers = step.unexpanded_topic().and_then(|topic| topics.get(topic).cloned());
            (step, subscribers)
        }));
    }
    api.callable.check_definition(&expanded).map_err(|error| {
        ApiError::new(Class::Invalid, format!("with the subscribers of its topics as steps, {error}"))
    })?;
    Ok(expanded)
}

/// Everything that can be said against the branches before they are made: their number is bounded first.
fn check(
    api: &Api,
    definition: &Definition,
    named: &BTreeMap<&str, usize>,
    topics: &Topics,
) -> Result<(), ApiError> {
    let mut found = definition.plan.steps().len();
    for (&topic, &count) in named {
        let Some(urls) = topics.get(topic).filter(|urls| !urls.is_empty()) else {
            return Err(Refusal::TopicNotFound.into());
        };
        found += count * (urls.len() - 1);
        for (position, url) in (1..).zip(urls) {
            api.callable.check_url(url, definition.protocol).map_err(|error| {
                let message = format!("subscriber {position} of topic {topic}: {error}");
                ApiError::new(Class::Invalid, message)
            })?;
        }
    }
    let limit = api.limits.branches_max;
    if found > limit { Err(Refusal::TooManyBranches { found, limit }.into()) } else { Ok(()) }
}

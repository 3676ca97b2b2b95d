//! Topics: a step of a message that stands for as many branches as the topic has subscribers (behaviour 86).
//!
//! A client lists `topic://orders`; what is stored, and called, is one branch for each subscriber of that
//! moment. What the client listed stays known, so that a repetition of the request can be compared with it
//! whatever has become of the topic meanwhile.

use std::fmt;
use std::sync::Arc;

use super::{BranchId, Payload, Step, StepIndex};

/// What the action of a step begins with when it names a topic.
const SCHEME: &str = "topic://";

/// The part that one subscriber has in a step that names a topic. Made by [`fan_out`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    topic: Arc<str>,
    position: u32,
}

/// A step as its client listed it.
#[derive(Debug, Clone, Copy)]
pub struct ListedStep<'a> {
    /// The branches that it stands for; one unless it names a topic.
    pub branches: &'a [Step],
    first: &'a Step,
}

/// What a client wrote as the action of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// The URL of a branch.
    Url(&'a str),
    /// The name of a topic.
    Topic(&'a str),
}

impl fmt::Display for Action<'_> {
    /// As the client wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Topic(topic) => write!(f, "{SCHEME}{topic}"),
        }
    }
}

impl Step {
    /// The topic that this step names, as long as its subscribers are not known.
    #[must_use]
    pub fn unexpanded_topic(&self) -> Option<&str> {
        self.subscription.is_none().then(|| self.action.strip_prefix(SCHEME)).flatten()
    }
}

impl<'a> ListedStep<'a> {
    /// What the client wrote as its action.
    #[must_use]
    pub fn action(&self) -> Action<'a> {
        match &self.first.subscription {
            Some(subscription) => Action::Topic(&subscription.topic),
            None => match self.first.action.strip_prefix(SCHEME) {
                Some(topic) => Action::Topic(topic),
                None => Action::Url(&self.first.action),
            },
        }
    }

    /// The URL that undoes it.
    #[must_use]
    pub fn compensate(&self) -> &'a str {
        &self.first.compensate
    }

    /// The body of its calls.
    #[must_use]
    pub fn payload(&self) -> &'a Payload {
        &self.first.payload
    }

    /// The URLs of the subscribers; `None` when it names no topic, or when they are not known yet.
    #[must_use]
    pub fn subscribers(&self) -> Option<impl Iterator<Item = &'a Arc<str>>> {
        self.first.subscription.is_some().then(|| self.branches.iter().map(|step| &step.action))
    }
}

/// The steps as their client listed them.
pub fn listed(steps: &[Step]) -> impl Iterator<Item = ListedStep<'_>> {
    let same = |_: &Step, next: &Step| next.subscription.as_ref().is_some_and(|it| it.position > 0);
    steps.chunk_by(same).filter_map(|branches| branches.first().map(|first| ListedStep { branches, first }))
}

/// The branches of steps as their client listed them, each with the subscribers of the topic that it names, if
/// it names one. Subscriber 2 of step 1 is branch `01-02`, and a single one `01`; whatever follows keeps the id
/// of its step.
#[must_use]
pub fn fan_out(steps: impl IntoIterator<Item = (Step, Option<Vec<Arc<str>>>)>) -> Vec<Step> {
    let steps: Vec<_> = steps.into_iter().collect();
    if steps.iter().all(|(_, subscribers)| subscribers.is_none()) {
        return steps.into_iter().map(|(step, _)| step).collect(); // their position says it all
    }
    let mut branches = Vec::with_capacity(steps.len());
    for (index, (step, subscribers)) in (0..).map(StepIndex::new).zip(steps) {
        let id = step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index));
        let Some(urls) = subscribers else {
            branches.push(Step { branch_id: Some(id), ..step });
            continue;
        };
        let topic: Arc<str> = step.unexpanded_topic().unwrap_or_default().into();
        let alone = urls.len() == 1;
        branches.extend((0..).zip(urls).map(|(position, url)| Step {
            action: url,
            branch_id: Some(if alone { id.clone() } else { id.of_subscriber(position) }),
            subscription: Some(Subscription { topic: Arc::clone(&topic), position }),
            ..step.clone()
        }));
    }
    branches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(urls: &[&str]) -> Option<Vec<Arc<str>>> {
        Some(urls.iter().map(|url| Arc::from(*url)).collect())
    }

    fn branches(steps: &[Step]) -> Vec<(String, String)> {
        let id = |step: &Step| step.branch_id.as_ref().map(ToString::to_string).unwrap_or_default();
        steps.iter().map(|step| (id(step), step.action.to_string())).collect()
    }

    fn row(id: &str, url: &str) -> (String, String) {
        (id.to_owned(), url.to_owned())
    }

    #[test]
    fn each_subscriber_is_a_branch_and_later_steps_keep_their_ids() {
        // behaviour 86
        let steps = fan_out([
            (Step::new("topic://many", "", "1"), urls(&["http://a", "http://b"])),
            (Step::new("http://plain", "", "2"), None),
            (Step::new("topic://one", "", "3"), urls(&["http://c"])),
        ]);
        let expected =
            [("01-01", "http://a"), ("01-02", "http://b"), ("02", "http://plain"), ("03", "http://c")];
        assert_eq!(branches(&steps), expected.map(|(id, url)| row(id, url)));
        assert_eq!(*steps[1].payload.as_bytes(), *b"1");
    }

    #[test]
    fn what_was_listed_stays_known() {
        let step = |action, payload| Step::new(action, "", payload);
        let plain = [step("topic://t", "1"), step("topic://t", "2"), step("http://x", "3")];
        let expanded = fan_out(plain.clone().into_iter().map(|step| {
            let subscribers = step.unexpanded_topic().and_then(|_| urls(&["http://a", "http://b"]));
            (step, subscribers)
        }));
        assert_eq!(expanded.len(), 5);
        let listing = |steps: &[Step]| {
            let it = listed(steps).map(|it| (format!("{:?}", it.action()), it.payload().clone()));
            it.collect::<Vec<_>>()
        };
        assert_eq!(listing(&expanded), listing(&plain));
        let subscribers: Vec<_> =
            listed(&expanded).map(|it| it.subscribers().map_or(0, Iterator::count)).collect();
        assert_eq!(subscribers, [2, 2, 0]);
    }

    #[test]
    fn steps_without_a_topic_are_left_as_they_are() {
        let steps = vec![Step::new("http://a", "http://b", "1"), Step::new("http://c", "", "2")];
        assert_eq!(fan_out(steps.iter().cloned().map(|step| (step, None))), steps);
    }
}

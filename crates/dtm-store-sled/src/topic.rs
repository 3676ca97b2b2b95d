//! Topics with versions.

use dtm_store::codec::{decode_topic, encode_topic};
use dtm_store::{Cursor, Error, Subscriber, Topic};

use crate::backend::Batch;
use crate::engine::{Source, Value, read};
use crate::error::{Failure, Unreadable};
use crate::keys;
use crate::operation::Output;

impl Batch<'_> {
    pub(crate) fn save_topic(
        &mut self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<Output, Failure> {
        let key = keys::topic(name);
        let stored = find(&self.view, name).map_err(|error| refused(error, name))?;
        let found = stored.as_ref().map(|(_, topic)| topic);
        let topic = Topic::changed(name, subscribers, expected, found, self.now)?;
        let text = encode_topic(&topic).map_err(|error| error.rejected(&format!("topic {name}")))?;
        self.view.put(&key, stored.as_ref().map(|(value, _)| value), &[text.as_bytes()])?;
        Ok(Output::Version(topic.version))
    }

    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<Output, Failure> {
        let stored = find(&self.view, name).map_err(|error| refused(error, name))?;
        let Some((value, _)) = stored else {
            return Err(Error::NotFound(format!("topic {name}")).into());
        };
        self.view.remove(&keys::topic(name), &value);
        Ok(Output::Done)
    }
}

/// The topic of that name.
pub(crate) fn load_topic(source: &impl Source, name: &str) -> Result<Option<Topic>, Failure> {
    let stored = find(source, name).map_err(|error| refused(error, name))?;
    Ok(stored.map(|(_, topic)| topic))
}

/// After how many bytes of subscribers a page of topics ends: batches wait while it is read.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// Topics behind that name. Nothing but the next one is looked at beyond `limit`, or beyond the bytes of a page.
pub(crate) fn scan_topics(
    tree: &sled::Tree,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<Topic>, Option<Cursor>), Failure> {
    let start = match after {
        Some(Cursor(name)) => [&keys::topic(name), &[0][..]].concat(),
        None => vec![keys::TOPIC],
    };
    let (mut topics, mut bytes) = (Vec::new(), 0);
    for entry in tree.range(start..vec![keys::TOPIC + 1]) {
        let (key, _) = entry?;
        if topics.len() == limit || bytes >= PAGE_BYTES_MAX {
            let next = topics.last().map(|topic: &Topic| Cursor(topic.name.clone()));
            return Ok((topics, next));
        }
        let name = String::from_utf8_lossy(&key[1..]);
        let Some(topic) = load_topic(tree, &name)? else { continue };
        bytes += topic.subscribers.iter().map(|it| it.url.len() + it.remark.len()).sum::<usize>();
        topics.push(topic);
    }
    Ok((topics, None))
}

fn find(source: &impl Source, name: &str) -> Result<Option<(Value, Topic)>, Unreadable> {
    let Some(value) = read(source, &keys::topic(name))? else { return Ok(None) };
    let topic = decode_topic(value.text()?)?;
    Ok(Some((value, topic)))
}

/// A topic that cannot be read stops nobody but itself.
fn refused(error: Unreadable, name: &str) -> Failure {
    match error {
        Unreadable::Damaged(detail) => {
            Failure::Refused(Error::Rejected { what: format!("topic {name}"), detail })
        }
        Unreadable::Broken(detail) => Failure::Broken(detail),
    }
}

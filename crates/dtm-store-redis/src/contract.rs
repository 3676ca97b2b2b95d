//! The contract of a store: what callers can do themselves is done here, in parallel; the rest is queued, or asked of
//! Redis at once.

use std::time::Duration;

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::codec::{CodecError, encode_definition, encode_registration, encode_state};
use dtm_store::precondition::{Head, check_due};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewTransaction, NodeName, NodeStore, OwnerToken, Page,
    Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore, TransactionStore, WriteStats,
};

use crate::RedisStore;
use crate::fault::Fault;
use crate::operation::{Appending, Change, Creation, Operation};
use crate::record::{Record, damaged_error, millis};
use crate::scan::Position;

/// How many transactions one claim brings at most.
const CLAIM_MAX: usize = 256;

/// How many transactions one step of a mass change takes at most.
const STEP_MAX: usize = 1_000;

/// How long whoever asks for the health waits at most: shorter than most probes do.
const HEALTH: Duration = Duration::from_secs(2);

/// What every cursor of this store begins with.
const CURSOR: &str = "redis:";

#[async_trait::async_trait]
impl TransactionStore for RedisStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
        self.redis().eviction.refuse()?;
        let head = Head::created(&new)?;
        let definition = &new.transaction.definition;
        let gid = definition.gid.clone();
        let rejected = |error: CodecError| error.rejected(gid.as_str());
        let creation = Creation {
            mode: definition.plan.mode(),
            status: head.status,
            created: millis(gid.as_str(), definition.created_at)?,
            due: millis(gid.as_str(), new.due)?,
            owner: head.owner,
            definition: encode_definition(definition).map_err(rejected)?,
            state: encode_state(&new.transaction.state).map_err(rejected)?,
            gid: gid.clone(),
        };
        self.write(Operation::Create(creation)).await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        let record = self.redis().load_confirmed(gid.as_str()).await.map_err(Fault::error)?;
        record.as_ref().map(Record::stored).transpose().map_err(damaged_error)
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        check_due(&commit)?;
        let gid = commit.gid.as_str();
        let change = Change {
            due: commit.due.map(|due| millis(gid, due)).transpose()?,
            finished: commit.state.finished_at.map(|at| millis(gid, at)).transpose()?,
            state: encode_state(&commit.state).map_err(|error| error.rejected(gid))?,
            commit,
        };
        self.write(Operation::Commit(Box::new(change))).await
    }

    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        let branches: Vec<String> = branches
            .iter()
            .map(encode_registration)
            .collect::<Result<_, _>>()
            .map_err(|error| error.rejected(gid.as_str()))?;
        let appending = Appending { gid: gid.clone(), owner: owner.clone(), registered, branches };
        self.write(Operation::Register(appending)).await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        if limit == 0 {
            return Ok(Claims::default());
        }
        self.redis().claim(tokens, limit.min(CLAIM_MAX)).await
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        let later_than = later_than.as_millis();
        self.redis().reschedule(later_than, limit.min(STEP_MAX), except).await.map_err(Fault::error)
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let after = after.map(read_cursor).transpose()?;
        let listed = self.redis().list(filter, after, limit).await?;
        let next = listed
            .last()
            .filter(|_| listed.len() >= limit)
            .map(|(Position { id, shard }, _)| Cursor(format!("{CURSOR}{id}:{shard}")));
        Ok(Page { transactions: listed.into_iter().map(|(_, listed)| listed).collect(), next })
    }

    async fn held(
        &self,
        node: &NodeName,
        epoch: Epoch,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let shard = match after {
            None => 0,
            Some(Cursor(text)) => text.parse().map_err(|_| Error::Rejected {
                what: "the cursor".to_owned(),
                detail: "it is not one of this search: begin anew".to_owned(),
            })?,
        };
        let holder = format!("{}:{}", node.as_str(), epoch.0);
        let (transactions, next) = self.redis().held(&holder, shard, limit).await.map_err(Fault::error)?;
        Ok(Page { transactions, next: next.map(|shard| Cursor(shard.to_string())) })
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        let before = millis("the retention", finished_before)?;
        self.redis().purge(before, limit.min(STEP_MAX)).await.map_err(Fault::error)
    }
}

#[async_trait::async_trait]
impl TopicStore for RedisStore {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        self.redis().topic(name).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        self.redis().write_topic(name, subscribers, expected).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        let deleted = self.redis().remove_topic(name).await.map_err(Fault::error)?;
        if deleted { Ok(()) } else { Err(Error::NotFound(format!("topic {name}"))) }
    }

    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
        let after = after.map(|Cursor(name)| name.as_str());
        let mut topics = self.redis().topics(after, limit.saturating_add(1)).await?;
        let next = if topics.len() > limit {
            topics.truncate(limit);
            topics.last().map(|topic| Cursor(topic.name.clone()))
        } else {
            None
        };
        Ok((topics, next))
    }
}

#[async_trait::async_trait]
impl NodeStore for RedisStore {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        self.redis().join(node).await.map_err(Fault::error)
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.look_at_eviction();
        if self.redis().heartbeat(node, epoch).await.map_err(Fault::error)? {
            return Ok(());
        }
        Err(Error::Conflict {
            what: format!("node {}", node.as_str()),
            expected: format!("epoch {} alive", epoch.0),
            found: "a later epoch, or a node that has left or never joined".to_owned(),
        })
    }

    async fn now(&self) -> Result<Option<Timestamp>, Error> {
        self.redis().now().await.map(Some).map_err(Fault::error)
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        let holders = self.redis().alive().await.map_err(Fault::error)?;
        let name = |holder: &String| NodeName::parse(holder.split(':').next().unwrap_or_default());
        holders.iter().map(name).collect::<Result<_, _>>().map_err(|error| Error::Fatal(error.to_string()))
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.redis().leave(node, epoch).await.map_err(Fault::error)
    }
}

#[async_trait::async_trait]
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn queue_depth(&self) -> usize {
        self.queue().queue_depth()
    }

    fn write_stats(&self) -> WriteStats {
        self.queue().stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.redis().eviction.refuse()?;
        match tokio::time::timeout(HEALTH, self.redis().health()).await {
            Ok(health) => health.map_err(Fault::error),
            Err(_) => Err(Error::Unavailable(format!("Redis could not be written within {HEALTH:?}"))),
        }
    }

    async fn close(&self) -> Result<(), Error> {
        self.shut().await;
        Ok(())
    }
}

fn read_cursor(cursor: &Cursor) -> Result<Position, Error> {
    let position = cursor.0.strip_prefix(CURSOR).and_then(|text| {
        let (id, shard) = text.split_once(':')?;
        Some(Position { id: id.parse().ok()?, shard: shard.parse().ok()? })
    });
    position.ok_or_else(|| Error::Rejected {
        what: "the cursor".to_owned(),
        detail: "it is not one of this store: begin the listing anew".to_owned(),
    })
}

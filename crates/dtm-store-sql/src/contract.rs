//! The contract of a store: what callers can do themselves is done here, in parallel; the rest is queued, or asked of
//! the database at once.

use std::time::{Duration, Instant};

use dtm_core::model::{Gid, Registration, Timestamp};
use dtm_store::codec::{CodecError, encode_definition, encode_registration, encode_state};
use dtm_store::precondition::{Head, check_due};
use dtm_store::{
    Claims, Commit, Cursor, Epoch, Error, Filter, NewTransaction, NodeName, NodeStore, OwnerToken, Page,
    Rescheduled, Store, Stored, Subscriber, TokenSource, Topic, TopicStore, TransactionStore, WriteStats,
};

use crate::SqlStore;
use crate::fault::Fault;
use crate::lease::Wanted;
use crate::operation::{Appending, Change, Creation, Operation};
use crate::record::{Record, damaged_error, millis};

/// How many transactions one claim brings at most.
const CLAIM_MAX: usize = 256;

/// How many transactions one step of a mass change takes at most.
const STEP_MAX: usize = 1_000;

/// What every cursor of these stores begins with.
const CURSOR: &str = "sql:";

#[async_trait::async_trait]
impl TransactionStore for SqlStore {
    async fn create(&self, new: NewTransaction) -> Result<(), Error> {
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
        let record = self.call(gid.as_str(), |database| database.load(gid)).await?;
        record.as_ref().map(Record::stored).transpose().map_err(damaged_error)
    }

    async fn commit(&self, commit: Commit) -> Result<(), Error> {
        check_due(&commit)?;
        let gid = commit.gid.as_str();
        let change = Change {
            registered: column_count(gid, commit.expect.registered)?,
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
        let texts: Vec<String> = branches
            .iter()
            .map(encode_registration)
            .collect::<Result<_, _>>()
            .map_err(|error| error.rejected(gid.as_str()))?;
        column_count(gid.as_str(), registered.saturating_add(texts.len()))?;
        let appending = Appending {
            gid: gid.clone(),
            owner: owner.clone(),
            registered: column_count(gid.as_str(), registered)?,
            count: column_count(gid.as_str(), texts.len())?,
            branches: texts,
        };
        self.write(Operation::Register(appending)).await
    }

    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error> {
        if limit == 0 {
            return Ok(Claims::default());
        }
        let mut attempt = 0;
        loop {
            let begun = Instant::now();
            let unsettled = self.unsettled().tokens();
            let watch = self.unsettled().watch((0..limit.min(CLAIM_MAX)).map(|_| tokens.fresh()).collect());
            let wanted = Wanted { tokens: watch.tokens(), unsettled, known: self.known() };
            match self.database().claim(&wanted).await {
                Ok(claims) => {
                    watch.answered();
                    self.unsettled().looked(begun);
                    return Ok(claims);
                }
                Err(fault) => {
                    if !matches!(fault, Fault::Lost(_)) {
                        watch.answered();
                    }
                    if !fault.again(&mut attempt).await {
                        return Err(fault.of("the claim"));
                    }
                }
            }
        }
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error> {
        let limit = rows(limit.min(STEP_MAX));
        self.call("the due time", |database| database.reschedule(later_than, limit, except)).await
    }

    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let before = after.map_or(Ok(i64::MAX), read_cursor)?;
        let records = self.call("the listing", |database| database.scan(filter, before, rows(limit))).await?;
        let next = records
            .last()
            .filter(|_| records.len() >= limit)
            .map(|last| Cursor(format!("{CURSOR}{}", last.id)));
        let transactions =
            records.iter().map(Record::listed).collect::<Result<_, _>>().map_err(damaged_error)?;
        Ok(Page { transactions, next })
    }

    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error> {
        let (before, limit) = (millis("the retention", finished_before)?, limit.min(STEP_MAX));
        self.call("the retention", |database| database.purge(before, limit)).await
    }
}

#[async_trait::async_trait]
impl TopicStore for SqlStore {
    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        if check_name(name).is_err() {
            return Ok(None);
        }
        self.call(name, |database| database.load_topic(name)).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Error> {
        check_name(name)?;
        self.call(name, |database| database.save_topic(name, subscribers, expected)).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        let deleted =
            check_name(name).is_ok() && self.call(name, |database| database.delete_topic(name)).await?;
        if deleted { Ok(()) } else { Err(Error::NotFound(format!("topic {name}"))) }
    }

    async fn scan_topics(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Topic>, Option<Cursor>), Error> {
        let after = after.map(|Cursor(name)| name.as_str());
        after.map_or(Ok(()), check_name)?;
        let one_more = rows(limit).saturating_add(1);
        let mut topics = self.call("the topics", |database| database.scan_topics(after, one_more)).await?;
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
impl NodeStore for SqlStore {
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error> {
        self.call(node.as_str(), |database| database.join(node)).await
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        if self.call(node.as_str(), |database| database.heartbeat(node, epoch)).await? {
            return Ok(());
        }
        Err(Error::Conflict {
            what: format!("node {}", node.as_str()),
            expected: format!("epoch {} alive", epoch.0),
            found: "a later epoch, or a node that has left or never joined".to_owned(),
        })
    }

    async fn forget_dead(&self, dead_for: Duration) -> Result<usize, Error> {
        let dead_for = i64::try_from(dead_for.as_millis()).unwrap_or(i64::MAX);
        let count = self.call("the nodes", |database| database.forget_dead(dead_for)).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn now(&self) -> Result<Option<Timestamp>, Error> {
        self.call("the clock", |database| database.now()).await.map(Some)
    }

    async fn alive(&self) -> Result<Vec<NodeName>, Error> {
        let names = self.call("the servers", |database| database.alive()).await?;
        names
            .iter()
            .map(|name| NodeName::parse(name))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::Fatal(error.to_string()))
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error> {
        self.call(node.as_str(), |database| database.leave(node, epoch)).await
    }
}

#[async_trait::async_trait]
impl Store for SqlStore {
    fn name(&self) -> &'static str {
        self.database().name()
    }

    fn queue_depth(&self) -> usize {
        self.queues().depth()
    }

    fn write_stats(&self) -> WriteStats {
        self.queues().stats()
    }

    async fn health(&self) -> Result<(), Error> {
        self.call("the database", |database| database.health()).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.shut().await;
        Ok(())
    }
}

/// A limit as the database counts; nobody asks for more.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn column_count(gid: &str, count: usize) -> Result<i32, Error> {
    i32::try_from(count).map_err(|_| Error::Rejected {
        what: gid.to_owned(),
        detail: format!("{count} branches are too many"),
    })
}

/// No text of a database has a NUL.
fn check_name(name: &str) -> Result<(), Error> {
    if name.contains('\0') {
        let detail = "a name of a topic has no NUL".to_owned();
        return Err(Error::Rejected { what: "the topic".to_owned(), detail });
    }
    Ok(())
}

fn read_cursor(cursor: &Cursor) -> Result<i64, Error> {
    cursor.0.strip_prefix(CURSOR).and_then(|id| id.parse().ok()).ok_or_else(|| Error::Rejected {
        what: "the cursor".to_owned(),
        detail: "it is not one of this store: begin the listing anew".to_owned(),
    })
}

//! DTM's tables in pages: one query for transactions, one for all their branches.

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::time::sleep;

use super::rows::Look;
use super::{Item, Output, Source, Watch, Watched};
use crate::{BranchRecord, GlobalRecord, ImportError, KeyValueRecord};

/// A row and its `id`; the inner error is about this row only.
pub(super) type Keyed<T> = (i64, Result<T, sqlx::Error>);

/// The statements of one database. All of them read only, and go on behind an `id`.
#[async_trait]
pub(super) trait Dialect: Send {
    async fn look(&mut self) -> Result<Look, sqlx::Error>;
    async fn unfinished(&mut self) -> Result<i64, sqlx::Error>;
    /// A page of unfinished transactions.
    async fn globals(&mut self, after: i64) -> Result<Vec<Keyed<GlobalRecord>>, sqlx::Error>;
    /// Their branches, by the id of the transaction and then their own.
    fn branches(&mut self, after: i64, last: i64) -> BoxStream<'_, Result<Keyed<BranchRecord>, sqlx::Error>>;
    /// Mode, status and number of what is finished.
    async fn finished(&mut self) -> Result<Vec<(String, String, i64)>, sqlx::Error>;
    async fn key_values(&mut self, after: i64) -> Result<Vec<Keyed<KeyValueRecord>>, sqlx::Error>;
}

/// DTM's tables.
pub(super) struct Tables<D>(D);

impl<D: Dialect> Tables<D> {
    pub(super) const fn new(dialect: D) -> Self {
        Self(dialect)
    }

    async fn transactions(&mut self, output: &Output) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = self.0.globals(after).await?;
            let Some(last) = page.last().map(|(id, _)| *id) else { return Ok(()) };
            let mut branches = self.0.branches(after, last);
            let mut next = branches.next().await.transpose()?;
            for (id, global) in page {
                let mut own = Vec::new();
                let mut damage = None;
                while let Some((of, row)) = next.take_if(|(of, _)| *of <= id) {
                    match row {
                        Ok(row) if of == id => own.push(row),
                        Ok(_) => {}
                        Err(error) => damage = Some(error),
                    }
                    next = branches.next().await.transpose()?;
                }
                if output.send(item(id, global, own, damage)).await.is_err() {
                    return Ok(());
                }
            }
            after = last;
        }
    }

    async fn topics(&mut self, output: &Output) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = self.0.key_values(after).await?;
            let Some(last) = page.last().map(|(id, _)| *id) else { return Ok(()) };
            for (id, row) in page {
                let item = row.map_or_else(
                    |error| Item::UnreadableKeyValue {
                        name: format!("row {id} of kv"),
                        detail: error.to_string(),
                    },
                    Item::KeyValue,
                );
                if output.send(item).await.is_err() {
                    return Ok(());
                }
            }
            after = last;
        }
    }
}

fn item(
    id: i64,
    global: Result<GlobalRecord, sqlx::Error>,
    branches: Vec<BranchRecord>,
    damage: Option<sqlx::Error>,
) -> Item {
    match (global, damage) {
        (Ok(global), None) => Item::Unfinished(Box::new(global), branches),
        (Ok(global), Some(error)) => Item::Unreadable {
            gid: global.gid,
            mode: global.trans_type,
            status: global.status,
            detail: format!("a row of trans_branch_op cannot be read: {error}"),
        },
        (Err(error), _) => Item::Unreadable {
            gid: format!("row {id} of trans_global"),
            mode: String::new(),
            status: String::new(),
            detail: error.to_string(),
        },
    }
}

#[async_trait]
impl<D: Dialect> Source for Tables<D> {
    async fn watch(&mut self, watch: Watch) -> Result<Watched, ImportError> {
        let mut look = self.0.look().await?;
        let mut running = None;
        if !watch.span.is_zero() {
            // Not a wait for something: DTM looks for work every 3 seconds, and that has to show.
            sleep(watch.span).await;
            let second = self.0.look().await?;
            if second.fingerprint != look.fingerprint {
                running = Some(format!("its rows have changed within {} seconds", watch.span.as_secs()));
            }
            look = second;
        }
        let Look { newest, now, others, .. } = look;
        Ok(Watched { running, newest, now, others })
    }

    async fn read(&mut self, output: &Output) -> Result<(), ImportError> {
        let total = u64::try_from(self.0.unfinished().await?).unwrap_or(0);
        if output.send(Item::Total(total)).await.is_err() {
            return Ok(());
        }
        // Topics first: a message may name one as soon as it runs.
        self.topics(output).await?;
        self.transactions(output).await?;
        for (mode, status, count) in self.0.finished().await? {
            let count = u64::try_from(count).unwrap_or(0);
            if output.send(Item::Finished { mode, status, count }).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

//! All of it: is DTM stopped, then read, convert and write, in pages and with bounded memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use dtm_store::{Error, Store};

use crate::convert::{Rules, convert};
use crate::source::{self, Item, Source, Watch, Watched};
use crate::target::{Taken, Target};
use crate::topics::{TOPICS, subscribers};
use crate::{BranchRecord, Counts, GlobalRecord, ImportError, KeyValueRecord, Report};

/// How many transactions are written at the same time: enough for batches of the target.
const AT_ONCE: usize = 128;
/// How many may wait to be written.
const WAITING: usize = 256;

/// What to import, and how.
#[derive(Clone)]
pub struct Settings {
    /// `mysql://`, `postgres://` or `redis://`. Holds a password: never show it.
    pub from: String,
    /// What DTM's keys in Redis begin with.
    pub prefix: String,
    /// The time zone in which DTM wrote into MySQL, as in `+08:00`. `None`: that of the database.
    pub time_zone: Option<String>,
    /// Say what would be done, and write nothing.
    pub dry_run: bool,
    /// How long to watch whether DTM is running. Zero: it is known to be stopped.
    pub watch: Duration,
    /// Also when DTM was stopped longer ago than the target keeps finished transactions.
    pub stopped_long_ago: bool,
    /// How long the target keeps finished transactions.
    pub keep_finished: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

/// What somebody who waits wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something to look at; the import goes on.
    Warning(String),
    /// So many transactions are done, of about so many.
    Progress {
        /// Taken, already there, or refused.
        done: u64,
        /// Unfinished ones in the source.
        of: u64,
    },
    /// A transaction or topic that is not taken.
    Refused {
        /// The gid, or the name of the topic.
        name: String,
        /// Why not.
        reason: String,
    },
}

/// Imports everything that is unfinished. `open` is asked for the target once the source is known to be at rest. In a dry
/// run it must not make anything, and `None` says that nothing is there yet.
///
/// # Errors
/// [`ImportError`] when the import cannot go on. What is done by then is complete, and a second run goes on.
pub async fn run<F>(
    settings: &Settings,
    rules: &Rules<'_>,
    open: impl FnOnce() -> F,
    mut tell: impl FnMut(Event),
) -> Result<Report, ImportError>
where
    F: Future<Output = Result<Option<Arc<dyn Store>>, Error>>,
{
    let mut source = source::open(settings).await?;
    check_at_rest(settings, source.as_mut(), &mut tell).await?;
    let opened = open().await?;
    let target = if settings.dry_run { Target::looked_at(opened) } else { Target::new(opened).await? };
    let report = transfer(source.as_mut(), rules, &target, &mut tell).await;
    let closed = target.close().await;
    let report = report?;
    closed?;
    Ok(report)
}

async fn check_at_rest(
    settings: &Settings,
    source: &mut dyn Source,
    tell: &mut impl FnMut(Event),
) -> Result<(), ImportError> {
    let watch = Watch { span: settings.watch, young: settings.keep_finished };
    let watched = source.watch(watch).await?;
    if let Some(reason) = watched.running {
        return Err(ImportError::Running(reason));
    }
    if watched.others > 0 {
        tell(Event::Warning(format!(
            "{} other connections have used the store of DTM within the last 4 seconds: make sure that no DTM runs on it",
            watched.others
        )));
    }
    check_age(settings, &watched)
}

fn check_age(settings: &Settings, watched: &Watched) -> Result<(), ImportError> {
    let Some(newest) = watched.newest else { return Ok(()) };
    if newest > watched.now.saturating_add(60_000) {
        return Err(ImportError::TimeZone { seconds: (newest - watched.now) / 1_000 });
    }
    let age = Duration::from_millis(watched.now.saturating_sub(newest));
    if age > settings.keep_finished && !settings.stopped_long_ago {
        return Err(ImportError::StoppedLongAgo { days: age.as_secs() / 86_400 });
    }
    Ok(())
}

async fn transfer(
    source: &mut dyn Source,
    rules: &Rules<'_>,
    target: &Target,
    tell: &mut impl FnMut(Event),
) -> Result<Report, ImportError> {
    let (output, input) = mpsc::channel(WAITING);
    let reading = async {
        let result = source.read(&output).await;
        drop(output);
        result
    };
    let writing = async {
        let input = stream::unfold(input, async |mut input| input.recv().await.map(|item| (item, input)));
        let mut results =
            std::pin::pin!(input.map(|item| handled(item, rules, target)).buffer_unordered(AT_ONCE));
        let mut report = Report::default();
        let mut of = 0;
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        second.tick().await;
        loop {
            tokio::select! {
                result = results.next() => match result {
                    None => return Ok(report),
                    Some(Err(error)) => return Err(ImportError::Target(error)),
                    Some(Ok(Handled::Total(total))) => of = total,
                    Some(Ok(handled)) => note(handled, &mut report, tell),
                },
                _ = second.tick() => {
                    let Counts { taken, already_there, refused, .. } = report.total();
                    tell(Event::Progress { done: taken + already_there + refused, of });
                }
            }
        }
    };
    // When writing fails, it drops its end, and reading ends with the next thing that it finds.
    let (read, written) = tokio::join!(reading, writing);
    let report = written?;
    read?;
    Ok(report)
}

/// What became of one thing that was found.
enum Handled {
    Total(u64),
    Transaction { gid: String, mode: String, status: String, result: Result<Taken, String> },
    Topic { name: String, result: Result<Taken, String> },
    Finished { mode: String, status: String, count: u64 },
    Other,
}

async fn handled(item: Item, rules: &Rules<'_>, target: &Target) -> Result<Handled, Error> {
    match item {
        Item::Total(total) => Ok(Handled::Total(total)),
        Item::Unfinished(global, branches) => transaction(*global, branches, rules, target).await,
        Item::Unreadable { gid, mode, status, detail } => {
            Ok(Handled::Transaction { gid, mode, status, result: Err(detail) })
        }
        Item::Finished { mode, status, count } => Ok(Handled::Finished { mode, status, count }),
        Item::KeyValue(record) if record.category == TOPICS => topic(record, target).await,
        Item::KeyValue(_) => Ok(Handled::Other),
        Item::UnreadableKeyValue { name, detail } => Ok(Handled::Topic { name, result: Err(detail) }),
    }
}

async fn transaction(
    global: GlobalRecord,
    branches: Vec<BranchRecord>,
    rules: &Rules<'_>,
    target: &Target,
) -> Result<Handled, Error> {
    let result = match convert(&global, &branches, rules) {
        Ok(transaction) => match target.take(transaction).await {
            Ok(taken) => Ok(taken),
            Err(error @ Error::Damaged { .. }) => Err(error.to_string()),
            Err(error) => return Err(error),
        },
        Err(refused) => Err(refused.to_string()),
    };
    Ok(Handled::Transaction { gid: global.gid, mode: global.trans_type, status: global.status, result })
}

async fn topic(record: KeyValueRecord, target: &Target) -> Result<Handled, Error> {
    let result = match subscribers(&record) {
        Ok(subscribers) => Ok(target.take_topic(&record.key, &subscribers).await?),
        Err(reason) => Err(reason),
    };
    Ok(Handled::Topic { name: record.key, result })
}

fn note(handled: Handled, report: &mut Report, tell: &mut impl FnMut(Event)) {
    let (name, counts, result) = match handled {
        Handled::Total(_) => return,
        Handled::Other => {
            report.other_entries += 1;
            return;
        }
        Handled::Finished { mode, status, count } => {
            report.of(&mode, &status).finished += count;
            return;
        }
        Handled::Transaction { gid, mode, status, result } => (gid, report.of(&mode, &status), result),
        Handled::Topic { name, result } => (format!("topic {name}"), &mut report.topics, result),
    };
    match result {
        Ok(Taken::New) => counts.taken += 1,
        Ok(Taken::Before) => counts.already_there += 1,
        Ok(Taken::Conflict(reason)) | Err(reason) => {
            counts.refused += 1;
            tell(Event::Refused { name, reason });
        }
    }
}

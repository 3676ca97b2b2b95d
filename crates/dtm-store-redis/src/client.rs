//! Which server to ask, and what to do when it is not the right one, or not there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::Rng as _;
use redis::{Pipeline, Value};

use crate::Replicas;
use crate::fault::Fault;
use crate::reply::read;
use crate::scripts::Call;
use crate::servers::Servers;

/// Redis, one server or many.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) servers: Arc<Servers>,
    /// How long to go on with what may succeed in a moment.
    pub(crate) persistence: Duration,
    pub(crate) replicas: Option<Replicas>,
    /// Whether a script may name keys of one shard only: that of a cluster, or of a proxy that hides one.
    pub(crate) apart: bool,
}

/// For how long a read is sent again whose answer was lost: connections break all at once, silence takes longer.
const READ_AGAIN: Duration = Duration::from_millis(500);

/// How long a read that insists briefly waits for one server.
const READ_BRIEFLY: Duration = Duration::from_secs(2);

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    /// It does, so that replicas have to have it, and it may be asked once only.
    Write,
    /// It does, but asking again does no harm, and no replica has to have it.
    Repeatable,
}

/// How long to go on with what certainly was not executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Insist {
    /// For as long as the client is told to.
    Persistently,
    /// Only where the next step is known: to the server that has the slot, or to one that has just learned our scripts.
    Briefly,
}

/// How often what is repeated is sent at most.
const REPEATED: u32 = 3;

/// How often a call that insists briefly is sent: two servers may send it to each other while a slot moves.
const BRIEFLY: u32 = 4;

/// Where to send a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    server: String,
    asking: bool,
}

impl Client {
    /// Has calls executed, those of one server in their order in one go. Each gets its own answer. What certainly was
    /// not executed is sent again for a while; what may have been never is.
    pub(crate) async fn run(&self, kind: Kind, calls: &[Call]) -> Vec<Result<Value, Fault>> {
        self.run_as(Insist::Persistently, kind, calls).await
    }

    /// The same; how long that while is.
    pub(crate) async fn run_as(
        &self,
        insist: Insist,
        kind: Kind,
        calls: &[Call],
    ) -> Vec<Result<Value, Fault>> {
        let mut answers: Vec<Option<Result<Value, Fault>>> = calls.iter().map(|_| None).collect();
        let mut open: Vec<(usize, Option<Target>)> = (0..calls.len()).map(|index| (index, None)).collect();
        let begun = Instant::now();
        let deadline = begun + self.persistence;
        let mut attempt: u32 = 0;
        while !open.is_empty() {
            let mut groups: BTreeMap<Target, Vec<usize>> = BTreeMap::new();
            for (index, target) in open.drain(..) {
                let home = || Target { server: self.servers.home(calls[index].place), asking: false };
                groups.entry(target.unwrap_or_else(home)).or_default().push(index);
            }
            let groups: Vec<_> = groups.into_iter().collect();
            let send = async |target: &Target, group: &[usize]| {
                let sent = self.send(kind, target, group, calls);
                if kind != Kind::Read || insist == Insist::Persistently {
                    return sent.await;
                }
                tokio::time::timeout(READ_BRIEFLY, sent).await.unwrap_or_else(|_| {
                    let silent = format!("Redis at {} is silent", target.server);
                    group.iter().map(|_| Err(Fault::Lost(silent.clone()))).collect()
                })
            };
            let sent = join_all(groups.iter().map(|(target, group)| send(target, group))).await;
            let persistently = insist == Insist::Persistently;
            let again = attempt < if persistently { 1_000 } else { BRIEFLY } && Instant::now() < deadline;
            let mut look = false;
            for ((_, group), results) in groups.into_iter().zip(sent) {
                for (index, result) in group.into_iter().zip(results) {
                    let target = match &result {
                        Err(Fault::Moved(server)) if again => {
                            look = true;
                            Some(Target { server: server.clone(), asking: false })
                        }
                        Err(Fault::Asked(server)) if again => {
                            Some(Target { server: server.clone(), asking: true })
                        }
                        Err(Fault::Later(_)) if again && persistently => {
                            look = true;
                            None
                        }
                        Err(Fault::NoScript) if again => None,
                        // asking twice changes nothing
                        Err(Fault::Lost(_)) if kind != Kind::Write && begun.elapsed() < READ_AGAIN => None,
                        _ => {
                            look |= matches!(result, Err(Fault::Later(_)));
                            answers[index] = Some(result);
                            continue;
                        }
                    };
                    open.push((index, target));
                }
            }
            if look {
                Arc::clone(&self.servers).look_again();
            }
            if !open.is_empty() && attempt > 0 {
                pause(attempt).await;
            }
            open.sort_unstable();
            attempt += 1;
        }
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(Fault::Lost("no answer".to_owned()))))
            .collect()
    }

    /// The same for a single call.
    pub(crate) async fn run_one(&self, kind: Kind, call: Call) -> Result<Value, Fault> {
        crate::reply::only(self.run(kind, &[call]).await)
    }

    /// A repeatable call that waits for no answer longer than `patience`: then it is sent again, over another connection.
    pub(crate) async fn repeat(&self, call: Call, patience: Duration) -> Result<Value, Fault> {
        let mut last = Fault::Lost(format!("Redis did not answer within {patience:?}"));
        for attempt in 1..=REPEATED {
            let answer = self.run_one(Kind::Repeatable, call.clone());
            match tokio::time::timeout(patience, answer).await {
                Ok(Err(fault @ (Fault::Lost(_) | Fault::Later(_)))) => last = fault,
                Ok(answer) => return answer,
                Err(_) => tracing::debug!(?patience, "Redis is silent; asking again over another connection"),
            }
            pause(attempt).await;
        }
        Err(last)
    }

    async fn send(
        &self,
        kind: Kind,
        target: &Target,
        group: &[usize],
        calls: &[Call],
    ) -> Vec<Result<Value, Fault>> {
        let mut pipeline = Pipeline::with_capacity(group.len() * 2 + 1);
        for index in group {
            if target.asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(calls[*index].command.clone());
        }
        let wait = self.replicas.filter(|_| kind == Kind::Write);
        if let Some(Replicas { count, timeout }) = wait {
            // 0 would wait for ever
            pipeline.cmd("WAIT").arg(count.get()).arg(timeout.as_millis().max(1).to_string());
        }
        let failed = |fault: Fault| group.iter().map(|_| Err(fault.clone())).collect::<Vec<_>>();
        let connections = match self.servers.at(&target.server) {
            Ok(connections) => connections,
            Err(fault) => return failed(fault),
        };
        let mut answers = match connections.exchange(&pipeline).await {
            Ok(answers) => answers,
            Err(fault) => return failed(fault),
        };
        let waited = wait.and_then(|replicas| Some((replicas, answers.pop()?)));
        if target.asking {
            let mut is_call = true;
            answers.retain(|_| {
                is_call = !is_call;
                is_call
            });
        }
        if answers.iter().any(|answer| matches!(answer, Err(Fault::NoScript)))
            && let Err(fault) = connections.load_scripts().await
        {
            tracing::warn!(?fault, place = connections.place(), "Redis does not take our scripts");
        }
        if let Some((replicas, answer)) = waited {
            refuse_unless_replicated(&mut answers, replicas, answer.and_then(read));
        }
        answers
    }
}

/// Waits before something is sent again, longer each time and not with everybody else.
pub(crate) async fn pause(attempt: u32) {
    let most = (2_u64 << attempt.min(9)).min(500);
    let pause = Duration::from_millis(rand::rng().random_range(1..=most));
    tokio::time::sleep(pause).await;
}

/// A write that too few replicas have is unknown: it lasts unless there is a fail-over to one that lacks it.
fn refuse_unless_replicated(
    answers: &mut [Result<Value, Fault>],
    replicas: Replicas,
    acknowledged: Result<usize, Fault>,
) {
    let detail = match acknowledged {
        Ok(count) if count >= replicas.count.get() => return,
        Ok(count) => format!("{count} of {} replicas had it after {:?}", replicas.count, replicas.timeout),
        Err(fault) => format!("Redis did not say how many replicas have it: {}", fault.error()),
    };
    for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
        *answer = Err(Fault::Lost(format!("written, but {detail}: check the replicas of Redis")));
    }
}

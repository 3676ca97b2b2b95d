//! One run of one server: fresh data, start, warm-up, load, look-up, kill, remove.

use std::path::Path;
use std::time::{Duration, Instant};

use super::lookup::not_ended;
use super::results::{Case, Run};
use crate::arguments::{CompareArguments, Peer, PeerKind, Protocol};
use crate::data::{DataPlace, Spent};
use crate::load::{Branches, Connection, Dialect, Latencies, Load, drive};
use crate::server::{Counters, ServerProcess, start_peer};

/// Who is measured.
pub(super) enum Contender<'a> {
    /// This server's binary.
    Ours(&'a Path),
    Peer(&'a Peer),
}

/// What all runs share.
pub(super) struct Setting<'a> {
    pub(super) arguments: &'a CompareArguments,
    pub(super) branches: &'a Branches,
    pub(super) folder: &'a Path,
}

impl Contender<'_> {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => super::results::OURS,
            Self::Peer(peer) => peer.kind.name(),
        }
    }

    const fn dialect(&self) -> Dialect {
        match self {
            Self::Peer(Peer { kind: PeerKind::Dtmrs, .. }) => Dialect::Dtmrs,
            _ => Dialect::Dtm,
        }
    }
}

impl Setting<'_> {
    /// Runs a case once.
    pub(super) async fn run(&self, case: Case, contender: &Contender<'_>) -> crate::Result<Run> {
        let services = &self.arguments.server.place.services;
        let data = DataPlace::make(case.store, services, self.folder).await?;
        let folder = tempfile::tempdir_in(self.folder)?;
        let run = self.on(&data, folder.path(), case, contender).await;
        data.remove().await?;
        run
    }

    async fn on(
        &self,
        data: &DataPlace,
        folder: &Path,
        case: Case,
        contender: &Contender<'_>,
    ) -> crate::Result<Run> {
        let arguments = self.arguments;
        // Before the start, because databases know all counts only while nobody is connected; what a start writes is
        // little.
        let counts_before = data.counts().await?;
        let server = match contender {
            Contender::Ours(binary) => {
                ServerProcess::start_real(binary, folder, "ours", data, &arguments.server.server_arg).await?
            }
            Contender::Peer(peer) => {
                start_peer(peer, data, folder, arguments.dtm_tables.as_deref(), &arguments.peer_env).await?
            }
        };
        let patience = Duration::from_secs(arguments.patience.into());
        let load = Load {
            mode: case.mode,
            protocol: Protocol::Http,
            clients: case.clients,
            count: arguments.warm_up,
            steps: arguments.steps,
            dialect: contender.dialect(),
            time: None,
            patience: Some(patience),
        };
        drive("warm", load, &server, self.branches).await?;
        settled(&server).await?;

        let cpu_before = (server.cpu_time()?, data.cpu());
        let time = Some(Duration::from_secs(arguments.seconds.into()));
        let load = Load { count: arguments.count, time, ..load };
        let ledger = drive("main", load, &server, self.branches).await?;
        settled(&server).await?;
        let server_cpu = server.cpu_time()?.saturating_sub(cpu_before.0);
        let database_cpu = data.cpu().zip(cpu_before.1).map(|(after, before)| after.saturating_sub(before));
        let peak_memory = server.peak_memory()?;
        let own_writes = self.own_writes(&server, contender, data).await?;

        // Redis counts reads too, so it is asked before the look-ups; the others count writes only, and PostgreSQL
        // knows all of them only when the server has disconnected.
        let early = matches!(data, DataPlace::Redis(_));
        let counts_early = if early { Some(data.counts().await?) } else { None };
        let missing = not_ended(server.http, &ledger, patience).await?;
        server.kill().await?;
        let counts_after = match counts_early {
            Some(counts) => counts,
            None => data.counts().await?,
        };
        let spent = counts_after.since(counts_before);
        let done = ledger.count() + arguments.warm_up as usize;
        let tally = ledger.tally();
        let lost = missing.max(tally.missing).max(usize::try_from(tally.refused)?);
        if lost > 0 {
            eprintln!("  {}: {missing} not ended, {tally:?}", contender.name());
        }
        let latencies = ledger.latencies()?;
        let measured = Measured { count: ledger.count(), done, server_cpu, database_cpu, peak_memory };
        Ok(measured.run(&latencies, own_writes.unwrap_or(spent), lost, tally.repeated))
    }

    /// The writes that this server's embedded store counts.
    async fn own_writes(
        &self,
        server: &ServerProcess,
        contender: &Contender<'_>,
        data: &DataPlace,
    ) -> crate::Result<Option<Spent>> {
        let (Contender::Ours(_), DataPlace::Folder(_)) = (contender, data) else { return Ok(None) };
        let counters = Counters::read(&mut Connection::open(server.http).await?).await?;
        let (writes, syncs) = (Some(counters.operations), Some(counters.batches));
        Ok(Some(Spent { writes, syncs }))
    }
}

/// The raw figures of a run.
struct Measured {
    /// Transactions of the load.
    count: usize,
    /// Those and the warm-up.
    done: usize,
    server_cpu: Duration,
    database_cpu: Option<Duration>,
    peak_memory: u64,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn run(&self, latencies: &Latencies, spent: Spent, lost: usize, repeated: usize) -> Run {
        let count = self.count.max(1) as f64;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let cpu = |time: Duration| time.as_secs_f64() * 1e6 / count;
        let each = |total: Option<u64>| total.map(|total| total as f64 / self.done.max(1) as f64);
        Run {
            transactions: self.count,
            transactions_per_second: (self.count.saturating_sub(lost)) as f64 / latencies.whole.as_secs_f64(),
            p50_ms: ms(latencies.p50),
            p95_ms: ms(latencies.p95),
            p99_ms: ms(latencies.p99),
            server_cpu_us: cpu(self.server_cpu),
            database_cpu_us: self.database_cpu.map(cpu),
            writes: each(spent.writes),
            syncs: each(spent.syncs),
            peak_memory_mb: self.peak_memory as f64 / 1e6,
            lost,
            repeated,
        }
    }
}

/// Waits until the server has nothing left to do, as far as its CPU shows: transactions end a little after their
/// last branch call, and no transaction manager but ours says when.
async fn settled(server: &ServerProcess) -> crate::Result {
    const PAUSE: Duration = Duration::from_millis(300);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut before = server.cpu_time()?;
    while Instant::now() < deadline {
        tokio::time::sleep(PAUSE).await;
        let now = server.cpu_time()?;
        if now.saturating_sub(before) <= PAUSE / 20 {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}

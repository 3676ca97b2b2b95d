//! What a submit costs when many finished transactions are stored.

use std::path::Path;
use std::time::Duration;

use crate::arguments::{Protocol, TableSizeArguments};
use crate::compare::median;
use crate::data::DataPlace;
use crate::kernel;
use crate::load::{Branches, Connection, Dialect, Load, Mode, drive};
use crate::server::{Counters, ServerProcess, find, until_ended};

/// Measurements of each size; the median counts.
const RUNS: u32 = 3;

/// Prints the figures.
pub(crate) async fn table_size(arguments: &TableSizeArguments) -> crate::Result {
    let binary = find(arguments.server.server.as_deref())?;
    let folder = arguments.server.place.folder()?;
    let data = DataPlace::make(arguments.store, &arguments.server.place.services, folder.path()).await?;
    let measured = measure(arguments, &binary, folder.path(), &data).await;
    data.remove().await?;
    measured
}

async fn measure(
    arguments: &TableSizeArguments,
    binary: &Path,
    folder: &Path,
    data: &DataPlace,
) -> crate::Result {
    let branches = Branches::start().await?;
    let extra = &arguments.server.server_arg;
    let server = ServerProcess::start_real(binary, folder, "server", data, extra).await?;
    let mut load = Load {
        mode: Mode::Saga,
        protocol: Protocol::Http,
        clients: arguments.clients,
        count: 2_000,
        steps: 2,
        dialect: Dialect::Dtm,
        time: None,
        patience: None,
    };
    let mut stored = u64::from(load.count);
    ended(&server, &branches, "warm", load).await?;
    let mut lines = Vec::new();
    let mut first = None;
    for (size, rows) in arguments.rows.iter().enumerate() {
        eprintln!("filling up to {rows} finished transactions");
        match data.fill(*rows).await? {
            Some(count) => stored = count,
            None => {
                let missing = u32::try_from(rows.saturating_sub(stored))?;
                let fill = Load { count: missing, time: None, ..load };
                stored += ended(&server, &branches, &format!("fill{size}"), fill).await?.0;
            }
        }
        load = Load { count: 10_000_000, time: Some(Duration::from_secs(arguments.seconds.into())), ..load };
        let (before, mut rates, mut cpus) = (stored, Vec::new(), Vec::new());
        for run in 0..RUNS {
            let (count, rate, cpu) = ended(&server, &branches, &format!("size{size}x{run}"), load).await?;
            eprintln!("  {rate:.0} tx/s");
            stored += count;
            rates.push(rate);
            cpus.push(cpu);
        }
        let (rate, cpu) = (median(&rates).unwrap_or(0.0), median(&cpus).unwrap_or(0.0));
        let share = rate / *first.get_or_insert(rate);
        lines.push(format!("{before:>12} {rate:>8.0} {cpu:>14.1} {share:>20.2}"));
    }
    server.kill().await?;
    println!("{}", kernel::machine(folder)?);
    println!(
        "{}, {} clients, two-step HTTP sagas, medians of {RUNS} runs",
        arguments.store.name(),
        arguments.clients
    );
    println!("{:>12} {:>8} {:>14} {:>20}", "finished", "tx/s", "server µs/tx", "of the first line");
    println!("{}", lines.join("\n"));
    Ok(())
}

/// A load whose transactions have all ended: how many, how many a second, microseconds of CPU each.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn ended(
    server: &ServerProcess,
    branches: &Branches,
    name: &str,
    load: Load,
) -> crate::Result<(u64, f64, f64)> {
    if load.count == 0 {
        return Ok((0, 0.0, 0.0));
    }
    let before = Counters::read(&mut Connection::open(server.http).await?).await?;
    let cpu = server.cpu_time()?;
    let ledger = drive(name, load, server, branches).await?;
    let count = ledger.count();
    until_ended(&mut Connection::open(server.http).await?, before, u32::try_from(count)?).await?;
    let cpu = server.cpu_time()?.saturating_sub(cpu);
    ledger.check()?;
    let each = 1e6 / count.max(1) as f64;
    let rate = count as f64 / ledger.latencies()?.whole.as_secs_f64();
    Ok((count as u64, rate, cpu.as_secs_f64() * each))
}

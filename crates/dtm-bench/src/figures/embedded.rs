//! A coordinator inside an application, whose branches are functions, beside a server that is called over HTTP.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dtm_server::config::{self, Flags};
use dtm_server::embedded::{BranchContext, BranchResult, Coordinator, Done, Embedded, Step, local};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::arguments::{EmbeddedArguments, Protocol};
use crate::data::DataPlace;
use crate::kernel;
use crate::load::{Branches, Connection, Dialect, Ledger, Load, Mode, drive};
use crate::report::Measurement;
use crate::server::{Counters, ServerProcess, check_ended, find, until_ended};

/// Transactions that the ledger has room for.
const COUNT_MAX: u32 = 1_000_000;

/// Measures both in turns, and prints the figures.
pub(crate) fn embedded(arguments: &EmbeddedArguments) -> crate::Result {
    let folder = arguments.server.place.folder()?;
    let mut rates = Rates::default();
    for run in 1..=arguments.runs {
        eprintln!("run {run} of {}", arguments.runs);
        let one = Builder::new_current_thread().enable_all().build()?;
        let server = on_data(arguments, folder.path(), &one, async |data| {
            server(arguments, folder.path(), data).await
        })?;
        // As an application has it: clients, coordinator and branches share the threads.
        let many = Builder::new_multi_thread().enable_all().build()?;
        let inside = on_data(arguments, folder.path(), &many, async |data| inside(arguments, data).await)?;
        for measurement in [&server, &inside] {
            println!("{}", measurement.short());
        }
        rates.server.push(server.rate());
        rates.inside.push(inside.rate());
    }
    println!("{}", kernel::machine(folder.path())?);
    if cfg!(debug_assertions) {
        println!("DEBUG BUILD: these figures say nothing about a release build");
    }
    println!("embedded / server over HTTP: {:.2} of the throughput (medians)", rates.ratio());
    Ok(())
}

#[derive(Default)]
struct Rates {
    server: Vec<f64>,
    inside: Vec<f64>,
}

impl Rates {
    fn ratio(&mut self) -> f64 {
        let median = |rates: &mut Vec<f64>| {
            rates.sort_by(f64::total_cmp);
            rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
        };
        median(&mut self.inside) / median(&mut self.server)
    }
}

fn on_data(
    arguments: &EmbeddedArguments,
    folder: &Path,
    runtime: &Runtime,
    measure: impl AsyncFnOnce(&DataPlace) -> crate::Result<Measurement>,
) -> crate::Result<Measurement> {
    runtime.block_on(async {
        let data = DataPlace::make(arguments.store, &arguments.server.place.services, folder).await?;
        let measured = measure(&data).await;
        data.remove().await?;
        measured
    })
}

async fn server(
    arguments: &EmbeddedArguments,
    folder: &Path,
    data: &DataPlace,
) -> crate::Result<Measurement> {
    let binary = find(arguments.server.server.as_deref())?;
    let branches = Branches::start().await?;
    let server =
        ServerProcess::start_real(&binary, folder, "server", data, &arguments.server.server_arg).await?;
    let load = Load {
        mode: Mode::Saga,
        protocol: Protocol::Http,
        clients: arguments.clients,
        count: arguments.warm_up,
        steps: arguments.steps,
        dialect: Dialect::Dtm,
        time: None,
        patience: None,
    };
    let before = Counters::read(&mut Connection::open(server.http).await?).await?;
    drive("warm", load, &server, &branches).await?.check()?;
    let warm = until_ended(&mut Connection::open(server.http).await?, before, load.count).await?;
    let cpu_before = server.cpu_time()?;
    let time = Some(Duration::from_secs(arguments.seconds.into()));
    let ledger = drive("main", Load { count: COUNT_MAX, time, ..load }, &server, &branches).await?;
    let mut questions = Connection::open(server.http).await?;
    until_ended(&mut questions, warm, u32::try_from(ledger.count())?).await?;
    let cpu = server.cpu_time()?.saturating_sub(cpu_before);
    check_ended(&mut questions, Mode::Saga, &ledger).await?;
    ledger.check()?;
    let (latencies, memory) = (ledger.latencies()?, server.peak_memory()?);
    server.kill().await?;
    let label = format!("{}, server", arguments.store.name());
    Ok(Measurement::new(&label, ledger.count(), &latencies, cpu, memory, None))
}

async fn inside(arguments: &EmbeddedArguments, data: &DataPlace) -> crate::Result<Measurement> {
    let pid = std::process::id();
    let room = Arc::new(parking_lot::Mutex::new(Arc::new(Ledger::new("none", 0, 1, 1))));
    let application = start(data, &room).await?;
    let warm = drive_inside("warm", arguments, &application, &room, Some(arguments.warm_up)).await?;
    warm.check()?;
    let cpu_before = kernel::cpu_time(pid)?;
    let ledger = drive_inside("main", arguments, &application, &room, None).await?;
    // without the checks that follow, which are no part of the load
    let cpu = kernel::cpu_time(pid)?.saturating_sub(cpu_before);
    for transaction in 0..u32::try_from(ledger.count())? {
        let gid = ledger.submitted_gid(transaction);
        while !application.status(&gid).await?.is_some_and(dtm_server::embedded::Status::is_final) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    ledger.check()?;
    application.stop().await?;
    let label = format!("{}, embedded", arguments.store.name());
    Ok(Measurement::new(&label, ledger.count(), &ledger.latencies()?, cpu, kernel::peak_memory(pid)?, None))
}

/// The record of the load that is under way.
type Room = Arc<parking_lot::Mutex<Arc<Ledger>>>;

async fn start(data: &DataPlace, room: &Room) -> crate::Result<Embedded> {
    let variables = data.environment(false).into_iter().map(|(name, value)| (name.to_owned(), value));
    let config = config::load(&Flags::default(), &variables.collect::<BTreeMap<_, _>>())?.config;
    let builder = Embedded::builder(config.store).branch_with("step", room, called);
    Ok(builder.branch_with("undo", room, undone).start().await?)
}

async fn called(room: Room, call: BranchContext, step: u32) -> BranchResult {
    let ledger = Arc::clone(&room.lock());
    ledger.called(&call.gid, step);
    Ok(Done)
}

async fn undone(room: Room, _: BranchContext, _: u32) -> BranchResult {
    room.lock().called_without_reason();
    Ok(Done)
}

/// The closed loop inside the process: `count` transactions, or as many as there is time for.
async fn drive_inside(
    name: &str,
    arguments: &EmbeddedArguments,
    coordinator: &Coordinator,
    room: &Room,
    count: Option<u32>,
) -> crate::Result<Arc<Ledger>> {
    let most = count.unwrap_or(COUNT_MAX);
    let ledger = Arc::new(Ledger::new(name, most, arguments.steps, arguments.clients));
    *room.lock() = Arc::clone(&ledger);
    let next = Arc::new(AtomicU32::new(0));
    let until = count.is_none().then(|| Instant::now() + Duration::from_secs(arguments.seconds.into()));
    let mut clients = JoinSet::new();
    for client in 0..arguments.clients {
        let (ledger, next, coordinator) = (Arc::clone(&ledger), Arc::clone(&next), coordinator.clone());
        let steps = arguments.steps;
        clients.spawn(async move {
            while until.is_none_or(|until| Instant::now() < until) {
                let transaction = next.fetch_add(1, Relaxed);
                if transaction >= most {
                    break;
                }
                let mut saga = coordinator.saga(ledger.gid(transaction, client));
                for step in 0..steps {
                    saga = saga.step(Step::new(local("step"), local("undo")).payload(&step)?);
                }
                ledger.submits(transaction, client);
                saga.submit().await?;
                ledger.ended(transaction, client).await;
            }
            Ok::<(), crate::Error>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    ledger.ends_at(next.load(Relaxed).min(most));
    Ok(ledger)
}

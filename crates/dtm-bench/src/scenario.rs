//! The order of events of a run.
//!
//! 1. With `--floor`: warm up and measure the floor.
//! 2. Start the real server, open the transactions of `--open`, warm up, measure.
//! 3. With `--hanging` or `--dead`: open them, measure, close them, measure again.
//!
//! After each measurement: was every branch called exactly once, and did the server end every transaction?

use std::path::Path;
use std::time::Duration;

use crate::arguments::LoadArguments;
use crate::data::DataPlace;
use crate::kernel;
use crate::load::{Branches, Connection, Dead, Dialect, Held, Ledger, Load, Mode, drive};
use crate::report::{Measurement, Report, Writes};
use crate::server::{Counters, ServerProcess, check_ended, find, until_ended};

/// The group of branches that `--open` holds.
const OPEN: usize = 0;
/// The group of branches that `--hanging` holds.
const HANGING: usize = 1;

/// Runs everything that the command line asks for.
pub(crate) async fn run(mode: Mode, arguments: &LoadArguments) -> crate::Result<Report> {
    let binary = find(arguments.server.server.as_deref())?;
    let folder = arguments.server.place.folder()?;
    let branches = Branches::start().await?;
    let scenario = Scenario { mode, arguments, branches: &branches, folder: folder.path() };
    let mut measurements = Vec::new();
    if arguments.floor {
        measurements.push(scenario.floor().await?);
    }
    let data = DataPlace::make(arguments.store, &arguments.server.place.services, folder.path()).await?;
    let measured = scenario.real(&binary, &data, &mut measurements).await;
    data.remove().await?;
    measured?;
    Ok(Report {
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        machine: kernel::machine(folder.path())?,
        debug_build: cfg!(debug_assertions),
        measurements,
    })
}

struct Scenario<'a> {
    mode: Mode,
    arguments: &'a LoadArguments,
    branches: &'a Branches,
    folder: &'a Path,
}

impl Scenario<'_> {
    /// The floor, under the same load.
    async fn floor(&self) -> crate::Result<Measurement> {
        let server = ServerProcess::start_floor(self.folder).await?;
        eprintln!("floor: at {}", server.http);
        drive("floorwarm", self.load(self.arguments.warm_up), &server, self.branches).await?.check()?;
        let cpu_before = server.cpu_time()?;
        let ledger = drive("floor", self.load(self.arguments.count), &server, self.branches).await?;
        let cpu = server.cpu_time()?.saturating_sub(cpu_before);
        self.measurement("floor", &ledger, cpu, server.peak_memory()?, None)
    }

    /// The real server: one load, and with `--hanging` two more.
    async fn real(
        &self,
        binary: &Path,
        data: &DataPlace,
        measurements: &mut Vec<Measurement>,
    ) -> crate::Result {
        let arguments = self.arguments;
        let name = arguments.store.name();
        let extra = &arguments.server.server_arg;
        let server = ServerProcess::start_real(binary, self.folder, "server", data, extra).await?;
        eprintln!("{name}: {} at {}", binary.display(), server.http);
        let open = self.held("open", OPEN, arguments.open, 3_600);
        open.open(server.http, self.branches).await?;
        self.warm_up(&server).await?;
        measurements.push(self.measure(name, "main", &server).await?);
        if arguments.hanging > 0 {
            let hanging = self.held("hanging", HANGING, arguments.hanging, arguments.hanging_timeout);
            hanging.open(server.http, self.branches).await?;
            let label = format!("{name}, {} hanging", arguments.hanging);
            measurements.push(self.measure(&label, "beside", &server).await?);
            let mut questions = Connection::open(server.http).await?;
            let before = Counters::read(&mut questions).await?;
            hanging.close(self.branches).await?;
            until_ended(&mut questions, before, arguments.hanging).await?;
            measurements.push(self.measure(&format!("{name}, again"), "after", &server).await?);
        }
        if arguments.dead > 0 {
            let dead = Dead::new()?;
            dead.submit(server.http, arguments.dead).await?;
            let label = format!("{name}, {} on a dead host", arguments.dead);
            measurements.push(self.measure(&label, "beside", &server).await?);
            dead.stop(server.http, arguments.dead).await?;
            measurements.push(self.measure(&format!("{name}, again"), "after", &server).await?);
        }
        open.close(self.branches).await?;
        server.kill().await
    }

    async fn warm_up(&self, server: &ServerProcess) -> crate::Result {
        let load = self.load(self.arguments.warm_up);
        let mut questions = Connection::open(server.http).await?;
        let before = Counters::read(&mut questions).await?;
        drive("warm", load, server, self.branches).await?.check()?;
        let mut questions = Connection::open(server.http).await?;
        until_ended(&mut questions, before, load.count).await?;
        Ok(())
    }

    /// One load against the real server, with everything that is measured and checked.
    async fn measure(&self, label: &str, name: &str, server: &ServerProcess) -> crate::Result<Measurement> {
        let load = self.load(self.arguments.count);
        let mut questions = Connection::open(server.http).await?;
        let before = Counters::read(&mut questions).await?;
        let cpu_before = server.cpu_time()?;
        let ledger = drive(name, load, server, self.branches).await?;
        // The server closes connections that are idle for some seconds.
        let mut questions = Connection::open(server.http).await?;
        let after = until_ended(&mut questions, before, load.count).await?;
        let cpu = server.cpu_time()?.saturating_sub(cpu_before);
        let peak_memory = server.peak_memory()?; // before the questions below, which cost memory too
        check_ended(&mut questions, self.mode, &ledger).await?;
        let writes = Writes {
            operations: after.operations - before.operations,
            batches: after.batches - before.batches,
        };
        self.measurement(label, &ledger, cpu, peak_memory, Some(writes))
    }

    fn measurement(
        &self,
        label: &str,
        ledger: &Ledger,
        cpu: Duration,
        peak_memory: u64,
        writes: Option<Writes>,
    ) -> crate::Result<Measurement> {
        ledger.check()?;
        let measurement =
            Measurement::new(label, ledger.count(), &ledger.latencies()?, cpu, peak_memory, writes);
        eprintln!("  {}", measurement.short());
        Ok(measurement)
    }

    const fn load(&self, count: u32) -> Load {
        let LoadArguments { protocol, clients, steps, .. } = *self.arguments;
        Load {
            mode: self.mode,
            protocol,
            clients,
            count,
            steps,
            dialect: Dialect::Dtm,
            time: None,
            patience: None,
        }
    }

    const fn held(&self, name: &'static str, group: usize, count: u32, timeout: u32) -> Held {
        let good = self.arguments.hanging_same_listener && group == HANGING;
        let at = if good { self.branches.addresses.good } else { self.branches.addresses.slow };
        Held { name, group, count, timeout, at }
    }
}

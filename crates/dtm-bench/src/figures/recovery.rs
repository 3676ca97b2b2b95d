//! How soon a server that was killed has ended its open transactions.

use std::path::Path;
use std::time::Instant;

use super::open::{Open, within};
use crate::arguments::RecoveryArguments;
use crate::data::DataPlace;
use crate::kernel;
use crate::load::{Branches, Connection};
use crate::server::{Counters, ServerProcess, find, until_ended};

/// Prints the figures.
pub(crate) async fn recovery(arguments: &RecoveryArguments) -> crate::Result {
    let binary = find(arguments.server.server.as_deref())?;
    let folder = arguments.server.place.folder()?;
    let data = DataPlace::make(arguments.store, &arguments.server.place.services, folder.path()).await?;
    let measured = measure(arguments, &binary, folder.path(), &data).await;
    data.remove().await?;
    measured
}

async fn measure(
    arguments: &RecoveryArguments,
    binary: &Path,
    folder: &Path,
    data: &DataPlace,
) -> crate::Result {
    let branches = Branches::start().await?;
    let extra = &arguments.server.server_arg;
    let server = ServerProcess::start_real(binary, folder, "before", data, extra).await?;
    eprintln!("opening {} transactions", arguments.open);
    let open = Open::on(&server, &branches, arguments.open).await?;
    server.kill().await?;
    open.answer(&branches).await?;
    eprintln!("killed; starting again");
    let moment = Instant::now();
    let server = ServerProcess::start_real(binary, folder, "after", data, extra).await?;
    let listens = moment.elapsed();
    open.until_called().await?;
    let nothing = Counters { operations: 0, batches: 0, ended: 0 };
    until_ended(&mut Connection::open(server.http).await?, nothing, arguments.open).await?;
    let ended = moment.elapsed();
    let times = open.called_after(moment);
    server.kill().await?;
    println!("{}", kernel::machine(folder)?);
    println!(
        "{}, {} open transactions when the server was killed; since its start:",
        arguments.store.name(),
        arguments.open
    );
    println!("listens after {:.2} s", listens.as_secs_f64());
    for percent in [1, 50, 99, 100] {
        println!("{percent:>3} % driven again after {:.2} s", within(&times, percent).as_secs_f64());
    }
    println!("all ended after {:.2} s", ended.as_secs_f64());
    Ok(())
}

//! How soon other servers drive the transactions of one that is killed.

use std::path::Path;
use std::time::{Duration, Instant};

use super::open::{Open, within};
use crate::arguments::{FailoverArguments, Protocol, Store};
use crate::data::DataPlace;
use crate::kernel;
use crate::load::{Branches, Dialect, Load, Mode, drive};
use crate::server::{ServerProcess, find};

/// Prints the figures.
pub(crate) async fn failover(arguments: &FailoverArguments) -> crate::Result {
    if arguments.store == Store::Sled {
        return Err("the embedded store belongs to one server: --store mysql, postgres or redis".into());
    }
    let binary = find(arguments.server.server.as_deref())?;
    let folder = arguments.server.place.folder()?;
    let data = DataPlace::make(arguments.store, &arguments.server.place.services, folder.path()).await?;
    let measured = measure(arguments, &binary, folder.path(), &data).await;
    data.remove().await?;
    measured
}

async fn measure(
    arguments: &FailoverArguments,
    binary: &Path,
    folder: &Path,
    data: &DataPlace,
) -> crate::Result {
    let branches = Branches::start().await?;
    let mut servers = Vec::new();
    for number in 0..arguments.servers {
        let name = format!("server{number}");
        let extra = &arguments.server.server_arg;
        servers.push(ServerProcess::start_real(binary, folder, &name, data, extra).await?);
    }
    let first = servers.remove(0);
    eprintln!("{} servers; opening {} transactions on the first", arguments.servers, arguments.open);
    let open = Open::on(&first, &branches, arguments.open).await?;
    let load = Load {
        mode: Mode::Saga,
        protocol: Protocol::Http,
        clients: arguments.clients,
        count: 1_000_000,
        steps: 2,
        dialect: Dialect::Dtm,
        time: Some(Duration::from_secs(15)),
        patience: None,
    };
    let killed = async {
        tokio::time::sleep(Duration::from_secs(2)).await; // the load is under way
        let moment = Instant::now();
        first.kill().await?;
        eprintln!("the first is killed");
        open.answer(&branches).await?;
        open.until_called().await?;
        Ok::<_, crate::Error>(open.called_after(moment))
    };
    let second = servers.first().ok_or("there is no second server")?;
    let (times, ledger) = tokio::join!(killed, drive("beside", load, second, &branches));
    let (times, ledger) = (times?, ledger?);
    ledger.check()?;
    println!("{}", kernel::machine(folder)?);
    println!(
        "{}, {} servers, {} open transactions on the killed one, {} clients on another ({} sagas, none disturbed)",
        arguments.store.name(),
        arguments.servers,
        arguments.open,
        arguments.clients,
        ledger.count()
    );
    for percent in [1, 50, 99, 100] {
        println!("{percent:>3} % driven again after {:.2} s", within(&times, percent).as_secs_f64());
    }
    Ok(())
}

//! The order of all runs: for each case A B C, A B C, ...

use std::path::Path;

use super::chart::chart;
use super::markdown::markdown;
use super::results::{Case, Line, Results, ServerRuns};
use super::run::{Contender, Setting};
use crate::arguments::CompareArguments;
use crate::kernel;
use crate::load::Branches;
use crate::server::find;

/// Measures all cases; the files are written after each, so that a broken run loses little.
pub(crate) async fn compare(arguments: &CompareArguments) -> crate::Result {
    let binary = find(arguments.server.server.as_deref())?;
    let folder = arguments.server.place.folder()?;
    let branches = Branches::start().await?;
    let setting = Setting { arguments, branches: &branches, folder: folder.path() };
    let mut contenders = vec![Contender::Ours(&binary)];
    contenders.extend(arguments.peer.iter().map(Contender::Peer));
    std::fs::create_dir_all(&arguments.out)?;
    let mut results = Results::load(&arguments.out.join("compare.json"))?;
    let cases = cases(arguments);
    for (number, case) in (1..).zip(&cases) {
        let Case { store, mode, clients } = *case;
        eprintln!("case {number} of {}: {}, {}, {clients} clients", cases.len(), store.name(), mode.name());
        let line = line(&setting, *case, &contenders).await?;
        results.put(line);
        write(&arguments.out, &results)?;
    }
    print!("{}", markdown(&results));
    Ok(())
}

fn cases(arguments: &CompareArguments) -> Vec<Case> {
    let mut cases = Vec::new();
    for store in &arguments.store {
        for mode in &arguments.mode {
            for clients in &arguments.clients {
                cases.push(Case { store: *store, mode: *mode, clients: *clients });
            }
        }
    }
    cases
}

async fn line(setting: &Setting<'_>, case: Case, contenders: &[Contender<'_>]) -> crate::Result<Line> {
    let arguments = setting.arguments;
    let server =
        |contender: &Contender<'_>| ServerRuns { name: contender.name().to_owned(), runs: Vec::new() };
    let mut servers: Vec<ServerRuns> = contenders.iter().map(server).collect();
    for turn in 1..=arguments.runs {
        for (contender, server) in contenders.iter().zip(&mut servers) {
            match setting.run(case, contender).await {
                Ok(run) => {
                    eprintln!(
                        "  run {turn} of {}: {}: {:.0} tx/s, p50 {:.2} ms, {} lost",
                        arguments.runs, server.name, run.transactions_per_second, run.p50_ms, run.lost
                    );
                    if matches!(contender, Contender::Ours(_)) && run.lost > 0 {
                        return Err(format!("this server lost {} transactions", run.lost).into());
                    }
                    server.runs.push(run);
                }
                Err(error) if matches!(contender, Contender::Ours(_)) => return Err(error),
                // The table shows it without figures.
                Err(error) => eprintln!("  run {turn}: {} did not get through: {error}", server.name),
            }
        }
    }
    Ok(Line {
        case,
        machine: kernel::machine(setting.folder)?,
        debug_build: cfg!(debug_assertions),
        seconds: arguments.seconds,
        servers,
    })
}

fn write(folder: &Path, results: &Results) -> crate::Result {
    std::fs::write(folder.join("compare.json"), serde_json::to_string_pretty(results)? + "\n")?;
    std::fs::write(folder.join("compare.md"), markdown(results))?;
    std::fs::write(folder.join("compare.svg"), chart(results))?;
    Ok(())
}

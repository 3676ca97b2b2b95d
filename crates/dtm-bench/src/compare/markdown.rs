//! The table as Markdown.

use std::fmt::Write as _;

use super::results::{Line, Results, ServerRuns};

const HEAD: &str = "| store | mode | clients | server | tx/s (lowest to highest) | p50 ms | p95 ms | p99 ms | \
    server CPU µs/tx | database CPU µs/tx | writes/tx | syncs/tx | lost | repeated calls | ours / it |\n\
    |---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";

const FOOT: &str = "\nMedians of the runs; a dash where the store does not tell. Times: from the first request to the last branch \
    call. CPU: what the kernel says about the processes. Writes: operations (sled), transactions that wrote (SQL) or commands (Redis), \
    reads included; syncs: of the log. Lost: not ended, or a branch never \
    called, or refused. How to read it and what is not comparable: README.md beside this file.\n";

/// The whole document.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text =
        "# Side by side\n\nWritten by `dtm-bench compare` from compare.json; do not edit.\n".to_owned();
    let mut machine = "";
    for line in &results.lines {
        if line.machine != machine {
            machine = &line.machine;
            write!(text, "\n{machine}.{}\n\n{HEAD}", warning(line)).ok();
        }
        for server in &line.servers {
            text.push_str(&row(line, server));
        }
    }
    text + FOOT
}

const fn warning(line: &Line) -> &'static str {
    if line.debug_build { " **Debug build: these figures mean nothing.**" } else { "" }
}

fn row(line: &Line, server: &ServerRuns) -> String {
    let case = line.case;
    let rate = server.spread(|run| Some(run.transactions_per_second));
    let rate =
        rate.map_or_else(dash, |it| format!("{:.0} ({:.0} to {:.0})", it.median, it.lowest, it.highest));
    let figure = |digits: usize, figure: fn(&super::results::Run) -> Option<f64>| {
        server.spread(figure).map_or_else(dash, |spread| format!("{:.digits$}", spread.median))
    };
    let cells = [
        case.store.name().to_owned(),
        case.mode.name().to_owned(),
        case.clients.to_string(),
        server.name.clone(),
        rate,
        figure(2, |run| Some(run.p50_ms)),
        figure(2, |run| Some(run.p95_ms)),
        figure(2, |run| Some(run.p99_ms)),
        figure(0, |run| Some(run.server_cpu_us)),
        figure(0, |run| run.database_cpu_us),
        figure(2, |run| run.writes),
        figure(2, |run| run.syncs),
        server.lost().to_string(),
        server.runs.iter().map(|run| run.repeated).sum::<usize>().to_string(),
        line.ratio(server).map_or_else(dash, |ratio| format!("{ratio:.1}")),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::line;
    use super::*;

    #[test]
    fn every_row_has_as_many_cells_as_the_head() {
        let mut results = Results::default();
        results.put(line(1, &[("ours", &[300.0, 200.0, 250.0]), ("dtm", &[50.0])]));
        let text = markdown(&results);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4, "{text}");
        assert!(rows.iter().all(|row| row.matches('|').count() == rows[0].matches('|').count()), "{text}");
        assert!(rows[2].contains("| ours | 250 (200 to 300) |"), "{text}");
        assert!(rows[3].ends_with("| 5.0 |"), "{text}");
    }
}

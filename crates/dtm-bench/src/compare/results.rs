//! What is kept of the runs: the content of compare.json.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::statistics::Spread;
use crate::arguments::Store;
use crate::load::Mode;

/// All lines that were measured, maybe by several commands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) lines: Vec<Line>,
}

/// What was measured side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) store: Store,
    pub(crate) mode: Mode,
    pub(crate) clients: u32,
}

/// All runs of one case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) case: Case,
    pub(crate) machine: String,
    pub(crate) debug_build: bool,
    pub(crate) seconds: u32,
    /// This server first.
    pub(crate) servers: Vec<ServerRuns>,
}

/// The runs of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerRuns {
    pub(crate) name: String,
    pub(crate) runs: Vec<Run>,
}

/// The figures of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) transactions: usize,
    pub(crate) transactions_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) server_cpu_us: f64,
    pub(crate) database_cpu_us: Option<f64>,
    /// Commits or commands of the store for each transaction, the warm-up included.
    pub(crate) writes: Option<f64>,
    pub(crate) syncs: Option<f64>,
    pub(crate) peak_memory_mb: f64,
    /// Transactions that were not ended, of which not every branch was called, or whose submission was refused.
    pub(crate) lost: usize,
    /// Branches that were called more than once.
    pub(crate) repeated: usize,
}

/// This server's name in the tables.
pub(crate) const OURS: &str = "ours";

impl ServerRuns {
    /// The median and spread of a figure; `None` if a run lacks it.
    pub(crate) fn spread(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(figure).collect();
        Spread::of(&values?)
    }

    pub(crate) fn rate(&self) -> f64 {
        self.spread(|run| Some(run.transactions_per_second)).map_or(0.0, |spread| spread.median)
    }

    pub(crate) fn lost(&self) -> usize {
        self.runs.iter().map(|run| run.lost).sum()
    }
}

impl Line {
    /// How many times a server's throughput this server's is.
    pub(crate) fn ratio(&self, server: &ServerRuns) -> Option<f64> {
        let ours = self.servers.iter().find(|server| server.name == OURS)?;
        (server.name != OURS && server.rate() > 0.0).then(|| ours.rate() / server.rate())
    }
}

impl Results {
    /// What earlier commands left in the folder.
    pub(crate) fn load(path: &Path) -> crate::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => {
                Ok(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display()).into()),
        }
    }

    /// Adds a line, in place of an earlier one of the same case.
    pub(crate) fn put(&mut self, line: Line) {
        self.lines.retain(|old| old.case != line.case);
        self.lines.push(line);
        self.lines.sort_by_key(|line| line.case);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn line(clients: u32, rates: &[(&str, &[f64])]) -> Line {
        let run = |rate: f64| Run {
            transactions: 100,
            transactions_per_second: rate,
            p50_ms: 1.0,
            p95_ms: 2.0,
            p99_ms: 3.0,
            server_cpu_us: 40.0,
            database_cpu_us: None,
            writes: Some(2.0),
            syncs: None,
            peak_memory_mb: 10.0,
            lost: 0,
            repeated: 0,
        };
        Line {
            case: Case { store: Store::Postgres, mode: Mode::Saga, clients },
            machine: "2 cores".into(),
            debug_build: false,
            seconds: 10,
            servers: rates
                .iter()
                .map(|(name, rates)| ServerRuns {
                    name: (*name).to_owned(),
                    runs: rates.iter().copied().map(run).collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_ratio_is_of_medians() {
        let line = line(1, &[(OURS, &[10.0, 30.0, 20.0]), ("dtm", &[5.0, 4.0, 99.0])]);
        assert_eq!(line.ratio(&line.servers[1]), Some(4.0));
        assert_eq!(line.ratio(&line.servers[0]), None);
    }

    #[test]
    fn a_new_line_replaces_the_one_of_the_same_case() {
        let mut results = Results::default();
        for (clients, rate) in [(20, 1.0), (1, 2.0), (20, 3.0)] {
            results.put(line(clients, &[(OURS, &[rate])]));
        }
        let rates: Vec<_> =
            results.lines.iter().map(|line| (line.case.clients, line.servers[0].rate())).collect();
        assert_eq!(rates, [(1, 2.0), (20, 3.0)]);
    }

    #[test]
    fn the_results_are_read_as_they_were_written() {
        let mut results = Results::default();
        results.put(line(1, &[(OURS, &[1.0])]));
        let text = serde_json::to_string(&results).unwrap();
        assert!(text.contains(r#""store":"postgres","mode":"saga""#), "{text}");
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap().lines.len(), 1);
    }
}

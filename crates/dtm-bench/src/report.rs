//! The table and the JSON.

use std::time::Duration;

use serde::Serialize;

use crate::load::Latencies;

/// Everything that a run found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What was asked for.
    pub(crate) command: String,
    /// Where it ran.
    pub(crate) machine: String,
    /// Whether the figures say nothing about a release build.
    pub(crate) debug_build: bool,
    /// In the order in which they were made; the floor, when there is one, is the first.
    pub(crate) measurements: Vec<Measurement>,
}

/// One load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measurement {
    label: String,
    transactions: usize,
    seconds: f64,
    transactions_per_second: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    cpu_us_per_transaction: f64,
    peak_memory_mb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    writes_per_transaction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flushes_per_transaction: Option<f64>,
}

/// What the store did during a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writes {
    pub(crate) operations: u64,
    pub(crate) batches: u64,
}

impl Measurement {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn new(
        label: &str,
        transactions: usize,
        latencies: &Latencies,
        cpu: Duration,
        peak_memory: u64,
        writes: Option<Writes>,
    ) -> Self {
        let count = transactions as f64;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        Self {
            label: label.to_owned(),
            transactions,
            seconds: latencies.whole.as_secs_f64(),
            transactions_per_second: count / latencies.whole.as_secs_f64(),
            p50_ms: ms(latencies.p50),
            p95_ms: ms(latencies.p95),
            p99_ms: ms(latencies.p99),
            max_ms: ms(latencies.max),
            cpu_us_per_transaction: cpu.as_secs_f64() * 1e6 / count,
            peak_memory_mb: peak_memory as f64 / 1e6,
            writes_per_transaction: writes.map(|writes| writes.operations as f64 / count),
            flushes_per_transaction: writes.map(|writes| writes.batches as f64 / count),
        }
    }

    /// Transactions a second.
    pub(crate) const fn rate(&self) -> f64 {
        self.transactions_per_second
    }

    pub(crate) fn short(&self) -> String {
        format!(
            "{}: {:.0} tx/s, p50 {:.2} ms, {:.1} us of CPU each",
            self.label, self.transactions_per_second, self.p50_ms, self.cpu_us_per_transaction
        )
    }

    fn row(&self) -> String {
        let optional =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        format!(
            "{:<30} {:>8.0} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>9.1} {:>8.1} {:>9} {:>10}",
            self.label,
            self.transactions_per_second,
            self.p50_ms,
            self.p95_ms,
            self.p99_ms,
            self.max_ms,
            self.cpu_us_per_transaction,
            self.peak_memory_mb,
            optional(self.writes_per_transaction),
            optional(self.flushes_per_transaction),
        )
    }
}

impl Report {
    /// Prints to standard output.
    pub(crate) fn print(&self, json: bool) -> crate::Result {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            print!("{}", self.table());
        }
        Ok(())
    }

    fn table(&self) -> String {
        let mut lines = vec![format!("dtm-bench {}", self.command), self.machine.clone()];
        if self.debug_build {
            lines.push("DEBUG BUILD: these figures say nothing about a release build".to_owned());
        }
        lines.push(String::new());
        lines.push(format!(
            "{:<30} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9} {:>10}",
            "",
            "tx/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "CPU us/tx",
            "RSS MB",
            "writes/tx",
            "flushes/tx"
        ));
        lines.extend(self.measurements.iter().map(Measurement::row));
        lines.extend(self.ratios());
        lines.push(String::new());
        lines.push(
            "times: first request to last branch call. CPU: of the server process. RSS: its peak since its start."
                .to_owned(),
        );
        lines.push("checked: every branch was called exactly once, every transaction ended.".to_owned());
        lines.push(String::new());
        lines.join("\n")
    }

    fn ratios(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let (floor, real) = match self.measurements.as_slice() {
            [floor, real @ ..] if floor.label == "floor" => (Some(floor), real),
            real => (None, real),
        };
        if let (Some(floor), Some(main)) = (floor, real.first()) {
            lines.push(format!(
                "{} / floor: {:.2} of the throughput, {:.2} times the CPU",
                main.label,
                main.transactions_per_second / floor.transactions_per_second,
                main.cpu_us_per_transaction / floor.cpu_us_per_transaction,
            ));
        }
        if let [before, beside, after] = real {
            let without = f64::midpoint(before.transactions_per_second, after.transactions_per_second);
            lines.push(format!(
                "with / without what is stuck: {:.2} of the throughput ({:.0} against {:.0} tx/s, mean of before and after)",
                beside.transactions_per_second / without,
                beside.transactions_per_second,
                without,
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(label: &str, seconds: u64) -> Measurement {
        let latencies = Latencies {
            p50: Duration::from_millis(1),
            p95: Duration::from_millis(2),
            p99: Duration::from_millis(3),
            max: Duration::from_millis(4),
            whole: Duration::from_secs(seconds),
        };
        let writes = Writes { operations: 2_000, batches: 100 };
        Measurement::new(label, 1_000, &latencies, Duration::from_millis(50), 10_000_000, Some(writes))
    }

    fn report(measurements: Vec<Measurement>) -> Report {
        Report { command: "saga".into(), machine: "2 cores".into(), debug_build: false, measurements }
    }

    #[test]
    fn figures_are_per_transaction() {
        let row = measurement("sled", 2).row();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells, ["sled", "500", "1.00", "2.00", "3.00", "4.00", "50.0", "10.0", "2.00", "0.10"]);
    }

    #[test]
    fn ratios_are_quoted_against_the_floor_and_without_what_is_stuck() {
        let all = ["floor", "sled", "sled, 9 hanging", "sled, again"];
        let table =
            report(all.into_iter().zip([1, 2, 4, 2]).map(|(label, s)| measurement(label, s)).collect())
                .table();
        assert!(table.contains("sled / floor: 0.50 of the throughput, 1.00 times the CPU"), "{table}");
        assert!(table.contains("with / without what is stuck: 0.50 of the throughput"), "{table}");
        let alone = report(vec![measurement("sled", 2)]).table();
        assert!(!alone.contains("floor"), "{alone}");
    }
}

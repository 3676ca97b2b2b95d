//! The text that Prometheus and everything like it reads.
//!
//! The library writes the newer OpenMetrics text, in which the type of a counter is announced under its name
//! without `_total`. DTM's scrapers and dashboards know the classic text format; the two differ for us in those
//! announcements and in the mark of the end only.

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything in the registry.
pub(super) fn render(registry: &Registry) -> String {
    let mut open_metrics = String::new();
    // Writing to a String cannot fail.
    text::encode_registry(&mut open_metrics, registry).ok();
    classic(&open_metrics)
}

fn classic(open_metrics: &str) -> String {
    let mut classic = String::with_capacity(open_metrics.len() + 256);
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
            continue;
        }
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, text)) = help.take() {
                classic.extend(["# HELP ", name, suffix, " ", text, "\n"]);
            }
            classic.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
            continue;
        }
        classic.extend([line, "\n"]);
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_announced_under_their_full_name() {
        let open_metrics =
            "# HELP a Things.\n# TYPE a counter\na_total 1\n# HELP b Depth.\n# TYPE b gauge\nb 2\n";
        assert_eq!(
            classic(open_metrics),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total 1\n# HELP b Depth.\n# TYPE b gauge\nb 2\n"
        );
    }
}

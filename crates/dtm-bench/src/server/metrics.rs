//! What the server counts about itself.

use crate::load::Connection;

/// Counters of the server at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Writes that the store made durable.
    pub(crate) operations: u64,
    /// Batches that it made them in; each costs one flush.
    pub(crate) batches: u64,
    /// Transactions that reached their end.
    pub(crate) ended: u64,
}

impl Counters {
    /// Asks the server.
    pub(crate) async fn read(server: &mut Connection) -> crate::Result<Self> {
        let body = server.get("/api/metrics").await?;
        Self::parse(std::str::from_utf8(&body)?)
    }

    fn parse(text: &str) -> crate::Result<Self> {
        let required = |name: &str| {
            sum(text, name)?.ok_or_else(|| crate::Error::from(format!("the server has no metric {name}")))
        };
        Ok(Self {
            operations: required("dtm_store_operations_total")?,
            batches: required("dtm_store_batches_total")?,
            // A counter with labels appears with its first event. If it never does, the wait for the end of
            // the transactions fails.
            ended: sum(text, "dtm_transaction_process_total")?.unwrap_or(0),
        })
    }
}

/// The sum of a counter over all its labels; `None` when there is no value.
fn sum(text: &str, name: &str) -> crate::Result<Option<u64>> {
    let mut total = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{'])) else {
            continue;
        };
        let value = rest.rsplit_once(' ').map_or("", |(_, value)| value);
        let value: u64 = value.parse().map_err(|error| format!("{line}: {error}"))?;
        total = Some(total.unwrap_or(0) + value);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP dtm_store_batches Batches.\n# TYPE dtm_store_batches counter\ndtm_store_batches_total 7\n\
        # TYPE dtm_store_operations_total counter\ndtm_store_operations_total 20\n\
        # TYPE dtm_transaction_process_total counter\n\
        dtm_transaction_process_total{model=\"saga\",status=\"ok\"} 9\n\
        dtm_transaction_process_total{model=\"saga\",status=\"fail\"} 1\n# EOF\n";

    #[test]
    fn counters_are_summed_over_their_labels() {
        assert_eq!(Counters::parse(TEXT).unwrap(), Counters { operations: 20, batches: 7, ended: 10 });
    }

    #[test]
    fn a_metric_that_the_server_does_not_have_is_an_error_and_not_zero() {
        assert!(Counters::parse(&TEXT.replace("operations", "writes")).is_err());
        assert!(Counters::parse(&TEXT.replace("batches", "heaps")).is_err());
        assert!(Counters::parse(&TEXT.replace(" 20", " many")).is_err());
        let idle = TEXT.replace("dtm_transaction_process", "other");
        assert_eq!(Counters::parse(&idle).unwrap().ended, 0, "it appears with its first event");
    }
}

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
        Ok(Self {
            operations: sum(text, "dtm_store_operations_total")?,
            batches: sum(text, "dtm_store_batches_total")?,
            ended: sum(text, "dtm_transaction_process_total")?,
        })
    }
}

/// The sum of a counter over all its labels. A counter that is announced and has no value yet is 0; one that
/// is not announced is an error, because a figure must not come from a typing error.
fn sum(text: &str, name: &str) -> crate::Result<u64> {
    let family = name.strip_suffix("_total").unwrap_or(name);
    let announced = text.lines().any(|line| {
        let mut words = line.split(' ');
        words.next() == Some("#")
            && words.next() == Some("TYPE")
            && words.next().is_some_and(|word| word == name || word == family)
    });
    if !announced {
        return Err(format!("the server has no metric {name}").into());
    }
    let mut total = 0;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{'])) else {
            continue;
        };
        let value = rest.rsplit_once(' ').map_or("", |(_, value)| value);
        total += value.parse::<u64>().map_err(|error| format!("{line}: {error}"))?;
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
        assert!(Counters::parse(&TEXT.replace(" 20", " many")).is_err());
    }
}

//! Waiting for the end of transactions.

use std::time::{Duration, Instant};

use super::Counters;
use crate::load::Connection;

/// Waits until the server has recorded the end of `count` more transactions, so that its CPU counts too and
/// none of them disturbs the next measurement: the last branch call comes a little earlier. A branch that
/// hung and was called again may take some tens of seconds.
pub(crate) async fn until_ended(
    server: &mut Connection,
    before: Counters,
    count: u32,
) -> crate::Result<Counters> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let counters = Counters::read(server).await?;
        let ended = counters.ended - before.ended;
        if ended >= u64::from(count) {
            return Ok(counters);
        }
        if Instant::now() > deadline {
            return Err(
                format!("the server has recorded the end of only {ended} of {count} transactions").into()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

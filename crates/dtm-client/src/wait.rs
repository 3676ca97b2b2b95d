//! Waiting for the end of a transaction.

use std::time::Duration;

use tokio::time::sleep;

use crate::{Client, Error, Transaction};

/// The first pause between two questions, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

impl Client {
    /// Waits until a transaction has ended, one way or the other, and returns it.
    ///
    /// The wire has no question that waits, so this one asks again and again: soon at first, then less and
    /// less often, at most once a second, and never in step with other clients. It waits for as long as it
    /// takes; put a `tokio::time::timeout` around it. Dropping the future changes nothing on the server. Where
    /// a mode has `wait_result`, that is the better way: the server answers when it knows.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use dtm_client::Status;
    ///
    /// # async fn example(client: dtm_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let ended = tokio::time::timeout(Duration::from_secs(10), client.wait("order-1001")).await??;
    /// if ended.status == Status::Failed {
    ///     println!("undone: {}", ended.rollback_reason.unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404 when the server does not know the transaction; otherwise as
    /// [`query`](Self::query).
    pub async fn wait(&self, gid: &str) -> Result<Transaction, Error> {
        let mut bound = PAUSES.0;
        loop {
            match self.query(gid).await? {
                Some(transaction) if transaction.status.is_final() => return Ok(transaction),
                Some(_) => {}
                None => {
                    return Err(Error::Refused {
                        request: format!("wait for {gid}"),
                        code: 404,
                        message: "there is no such transaction".to_owned(),
                    });
                }
            }
            // at least half of the bound: this is no race for an early answer
            sleep(bound.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
            bound = (bound * 2).min(PAUSES.1);
        }
    }
}

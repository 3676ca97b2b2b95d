//! Did every transaction end? Each is looked up by its gid, which every transaction manager can answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::load::{Connection, Ledger};

const CONNECTIONS: usize = 8;

/// How many transactions of a load have not ended as `succeed` at the deadline.
pub(super) async fn not_ended(
    server: SocketAddr,
    ledger: &Arc<Ledger>,
    patience: Duration,
) -> crate::Result<usize> {
    let deadline = Instant::now() + patience;
    let next = Arc::new(AtomicU32::new(0));
    let missing = Arc::new(AtomicUsize::new(0));
    let mut lookups = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (ledger, next, missing) = (Arc::clone(ledger), Arc::clone(&next), Arc::clone(&missing));
        lookups.spawn(async move {
            let mut connection = Connection::open(server).await?;
            loop {
                let transaction = next.fetch_add(1, SeqCst);
                if transaction as usize >= ledger.count() {
                    return Ok::<(), crate::Error>(());
                }
                let path = format!("/api/dtmsvr/query?gid={}", ledger.submitted_gid(transaction));
                while !has_succeeded(&mut connection, &path).await? {
                    if Instant::now() > deadline {
                        missing.fetch_add(1, SeqCst);
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    while let Some(ended) = lookups.join_next().await {
        ended??;
    }
    Ok(missing.load(SeqCst))
}

async fn has_succeeded(connection: &mut Connection, path: &str) -> crate::Result<bool> {
    match connection.get(path).await {
        Ok(body) => Ok(status(&body).as_deref() == Some("succeed")),
        // Refused: it is not there, or not now.
        Err(_) => {
            connection.reopen().await?;
            Ok(false)
        }
    }
}

/// DTM puts the transaction into a field, dtmrs does not.
fn status(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let transaction = body.get("transaction").unwrap_or(&body);
    Some(transaction.get("status")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_found_in_both_forms_of_the_answer() {
        let dtm = br#"{"branches":[{"status":"prepared"}],"transaction":{"status":"succeed"}}"#;
        assert_eq!(status(dtm).as_deref(), Some("succeed"));
        assert_eq!(status(br#"{"gid":"a","status":"submitted"}"#).as_deref(), Some("submitted"));
        assert_eq!(status(br#"{"branches":[],"transaction":null}"#), None);
    }
}

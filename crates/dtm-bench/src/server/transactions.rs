//! Did every transaction really end? The server is asked for all of them.

use serde::Deserialize;

use crate::load::{Connection, Ledger, Mode};

#[derive(Deserialize)]
struct Page {
    next_position: String,
    transactions: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
struct Listed {
    gid: String,
}

/// Looks up that each transaction of a load is `succeed`, once.
pub(crate) async fn check_ended(server: &mut Connection, mode: Mode, ledger: &Ledger) -> crate::Result {
    let mut seen = vec![false; ledger.count()];
    let mut position = String::new();
    loop {
        let mode = mode.name();
        let path = format!("/api/dtmsvr/all?status=succeed&transType={mode}&limit=1000&position={position}");
        let page: Page = serde_json::from_slice(&server.get(&path).await?)?;
        for Listed { gid } in page.transactions.into_iter().flatten() {
            let Some(transaction) = ledger.transaction_of(&gid) else { continue };
            if std::mem::replace(&mut seen[transaction as usize], true) {
                return Err(format!("the server lists {gid} twice").into());
            }
        }
        if page.next_position.is_empty() {
            break;
        }
        position = page.next_position;
    }
    let missing: Vec<usize> = (0..seen.len()).filter(|&index| !seen[index]).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let mut shown = "it is not stored at all".to_owned();
    for gid in ledger.gids_of(*first) {
        let answer = server.get(&format!("/api/dtmsvr/query?gid={gid}")).await?;
        if !answer.ends_with(b"\"transaction\":null}") {
            shown = format!("{gid}: {}", String::from_utf8_lossy(&answer));
        }
    }
    let (missing, all) = (missing.len(), seen.len());
    Err(format!("{missing} of {all} transactions are not listed as succeed; the first of them, {shown}")
        .into())
}

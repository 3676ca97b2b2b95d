//! A transfer between two banks. `send GID FROM TO EUROS [--pause]`

use std::time::Duration;

use dtm_client::{Client, Error};
use tokio::io::{AsyncBufReadExt, BufReader};
use transfer::Amount;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let pause = arguments.pop_if(|last| last == "--pause").is_some();
    let [gid, from, to, euros] = arguments.as_slice() else {
        return Err("usage: send GID FROM TO EUROS [--pause]".into());
    };
    let euros = euros.parse()?;
    let payer = Amount { account: from.clone(), euros };
    let payee = Amount { account: to.clone(), euros };
    let client = Client::http(&address("DTM", "http://127.0.0.1:36789/api/dtmsvr"))?;
    let bank_a = address("BANK_A", "http://127.0.0.1:8081");
    let bank_b = address("BANK_B", "http://127.0.0.1:8082");

    // What did not work is tried again after 2 seconds, then 4, 8, ...
    let transfer = client.tcc(gid).wait_result().retry_interval(Duration::from_secs(1));
    let ended = transfer.run(async |tcc| {
        tcc.branch(format!("{bank_a}/pay/try"))
            .confirm(format!("{bank_a}/pay/confirm"))
            .cancel(format!("{bank_a}/pay/cancel"))
            .call(&payer)
            .await?;
        tcc.branch(format!("{bank_b}/receive/try"))
            .confirm(format!("{bank_b}/receive/confirm"))
            .cancel(format!("{bank_b}/receive/cancel"))
            .call(&payee)
            .await?;
        if pause {
            println!("{gid}: both banks have agreed. Press Enter to submit.");
            BufReader::new(tokio::io::stdin()).read_line(&mut String::new()).await?;
        }
        Ok(())
    });

    match ended.await {
        Ok(()) => println!("{gid}: done everywhere"),
        Err(Error::AlreadySucceeded { .. }) => println!("{gid}: was done before"),
        // Somebody said "no" or did not answer, just now or in an earlier run: everything is undone, or will be.
        Err(error @ (Error::Closure { .. } | Error::RolledBack { .. })) => println!("not done: {error}"),
        // It will end, without us; or nobody knows. The message says which, and what to do.
        Err(error) => println!("{error}"),
    }
    Ok(())
}

fn address(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

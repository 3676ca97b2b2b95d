//! TCC: money is frozen first, everywhere, and moves only when everything could be frozen.
//!
//! A saga would take the money at once and give it back when something fails, and meanwhile somebody could see, or spend, what is
//! not theirs. With TCC nobody sees anything of a transfer that does not take place.
//!
//! | phase | payer's bank | payee's bank |
//! |---|---|---|
//! | try | freezes the amount, if there is enough | looks whether the account is open |
//! | confirm | takes the frozen amount | adds it |
//! | cancel | releases it | does nothing |
//!
//! 1. A transfer that works.
//! 2. A transfer to an account that is closed. The money was frozen for a moment, and never gone.
//! 3. A transfer of more than there is. Its bank says so at once, and the other one is not even asked.
//!
//! The coordinator runs inside the program (see the example `embedded`); with a server, the branches are services.
//!
//! `cargo run --example tcc_frozen_balance` needs nothing but Rust, and ends with exit code 0 only if every balance is right.

use std::process::ExitCode;

use dtm_barrier::BranchBarrier;
use dtm_examples::{Result, Story, database, play};
use dtm_server::config::StoreConfig;
use dtm_server::embedded::{
    BranchContext, BranchError, BranchOp, BranchResult, Coordinator, Done, Embedded, Error, Fate, local,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Amount {
    account: String,
    euros: i64,
}

/// A bank with a database of its own.
#[derive(Clone)]
struct Bank {
    name: &'static str,
    accounts: SqlitePool,
    story: Story,
}

impl Bank {
    /// Executes one statement behind the barrier: once, however often the call comes, and not at all when a cancel comes without
    /// its try. No row changed means "no".
    async fn change(
        &self,
        call: BranchContext,
        what: &str,
        statement: &'static str,
        amount: &Amount,
    ) -> BranchResult {
        let mut barrier = BranchBarrier::try_from(call.clone())?;
        let called = barrier.call(&self.accounts, async |connection| {
            let changed =
                sqlx::query(statement).bind(amount.euros).bind(&amount.account).execute(connection).await?;
            if changed.rows_affected() == 0 {
                return Err(BranchError::roll_back(format!(
                    "{}: cannot {what} for {}",
                    self.name, amount.account
                )));
            }
            Ok(())
        });
        let did = match called.await {
            Ok(called) if called.ran().is_some() => {
                format!("{what} {} euros of {}", amount.euros, amount.account)
            }
            Ok(_) => "nothing to do (any more)".to_owned(),
            Err(error) => {
                self.story.say(self.name, &format!("{error}  [{} {} {}]", call.gid, call.branch_id, call.op));
                return Err(error);
            }
        };
        self.story.say(self.name, &format!("{did}  [{} {} {}]", call.gid, call.branch_id, call.op));
        Ok(Done)
    }

    async fn check(&self, account: &str, balance: i64, frozen: i64) -> Result {
        let select = sqlx::query_as("SELECT balance, frozen FROM account WHERE name = ?");
        let found: (i64, i64) = select.bind(account).fetch_one(&self.accounts).await?;
        self.story.check(&format!("balance and frozen of {account}"), found, (balance, frozen))
    }
}

/// The payer's side of all three phases.
async fn pay(bank: Bank, call: BranchContext, amount: Amount) -> BranchResult {
    let (what, statement) = match call.op {
        BranchOp::Try => (
            "freeze",
            "UPDATE account SET frozen = frozen + ?1 WHERE name = ?2 AND is_open AND balance - frozen >= ?1",
        ),
        BranchOp::Confirm => {
            ("take", "UPDATE account SET frozen = frozen - ?1, balance = balance - ?1 WHERE name = ?2")
        }
        _ => ("release", "UPDATE account SET frozen = frozen - ?1 WHERE name = ?2"),
    };
    bank.change(call, what, statement, &amount).await
}

/// The payee's side.
async fn receive(bank: Bank, call: BranchContext, amount: Amount) -> BranchResult {
    let (what, statement) = match call.op {
        BranchOp::Try => {
            ("accept", "UPDATE account SET balance = balance WHERE name = ?2 AND is_open AND ?1 > 0")
        }
        BranchOp::Confirm => ("add", "UPDATE account SET balance = balance + ?1 WHERE name = ?2"),
        _ => ("forget", "UPDATE account SET balance = balance WHERE name = ?2 AND ?1 > 0"),
    };
    bank.change(call, what, statement, &amount).await
}

struct Banks {
    a: Bank,
    b: Bank,
}

/// The transfer: all that its caller writes.
async fn transfer(
    coordinator: &Coordinator,
    gid: &str,
    to: &str,
    euros: i64,
) -> std::result::Result<(), Error> {
    let (payer, payee) = (Amount { account: "alice".into(), euros }, Amount { account: to.into(), euros });
    let tcc = coordinator.tcc(gid).wait_result();
    tcc.run(async |tcc| {
        tcc.branch(local("pay")).confirm(local("pay")).cancel(local("pay")).call(&payer).await?;
        let receive = tcc.branch(local("receive")).confirm(local("receive")).cancel(local("receive"));
        receive.call(&payee).await?;
        Ok(())
    })
    .await
}

async fn transfers() -> Result {
    let story =
        Story::begin("Alice has 100 euros at bank A. Bob's account at bank B is open, Carol's is closed.");
    let folder = tempfile::tempdir()?;
    let table = "CREATE TABLE account (name TEXT PRIMARY KEY, balance INTEGER, frozen INTEGER, is_open INTEGER); \
                 INSERT INTO account VALUES ('alice', 100, 0, 1), ('bob', 20, 0, 1), ('carol', 0, 0, 0);";
    let open = async |name: &'static str| -> Result<Bank> {
        Ok(Bank { name, accounts: database(&folder.path().join(name), table).await?, story })
    };
    let banks = Banks { a: open("bank A").await?, b: open("bank B").await? };
    let coordinator = Embedded::builder(StoreConfig::sled(folder.path().join("coordinator")))
        .branch_with("pay", &banks.a, pay)
        .branch_with("receive", &banks.b, receive)
        .start()
        .await?;

    story.act("1. Alice sends Bob 30 euros");
    transfer(&coordinator, "transfer-1", "bob", 30).await?;
    banks.a.check("alice", 70, 0).await?;
    banks.b.check("bob", 50, 0).await?;

    for (act, gid, to, euros) in [
        ("2. Alice sends Carol 30 euros, whose account is closed", "transfer-2", "carol", 30),
        ("3. Alice sends Bob 80 euros, and has 70", "transfer-3", "bob", 80),
    ] {
        story.act(act);
        match transfer(&coordinator, gid, to, euros).await {
            Err(error @ Error::Closure { fate: Fate::RolledBack, .. }) => {
                story.say("client", &error.to_string())
            }
            other => return Err(format!("expected a rollback, got {other:?}").into()),
        }
        banks.a.check("alice", 70, 0).await?;
        banks.b.check("bob", 50, 0).await?;
    }
    Ok(coordinator.stop().await?)
}

#[tokio::main]
async fn main() -> ExitCode {
    play(transfers().await)
}

//! Steps of XA that are dropped at random, and by two processes at once: from MariaDB to PostgreSQL.

use std::time::Duration;

use dtm_workflow::{BranchError, Error, Workflow, Workflows};
use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{MySql, MySqlConnection, MySqlPool, PgConnection, PgPool, Postgres};

use super::banks::{Bank, clear, new_gid};
use super::site::{Over, Site, called_back};
use crate::harness::Server;

#[derive(Clone)]
struct Banks {
    mysql: MySqlPool,
    postgres: PgPool,
}

impl Banks {
    async fn open() -> Option<Self> {
        Some(Self { mysql: MySql::open().await?, postgres: Postgres::open().await? })
    }

    /// From one to the other; the second one says no when the input says so.
    fn workflows(&self, site: &Site, server: &Server) -> Workflows {
        let banks = self.clone();
        let transfer = move |wf: Workflow, refuses: bool| {
            let banks = banks.clone();
            async move {
                let gid = wf.gid().to_owned();
                let take =
                    async |connection: &mut MySqlConnection| Ok(MySql::add(connection, &gid, -30).await?);
                wf.branch().xa(&banks.mysql, take).await?;
                let give = async |connection: &mut PgConnection| {
                    Postgres::add(connection, &gid, 30).await?;
                    if refuses { Err(BranchError::roll_back("no stock")) } else { Ok(()) }
                };
                wf.branch().xa(&banks.postgres, give).await
            }
        };
        site.instance(server).register("transfer", transfer).build().unwrap()
    }

    async fn open_accounts(&self, gid: &str) {
        MySql::open_account(&self.mysql, gid).await;
        Postgres::open_account(&self.postgres, gid).await;
    }

    async fn balances(&self, gid: &str) -> (i64, i64) {
        (MySql::balance(&self.mysql, gid).await, Postgres::balance(&self.postgres, gid).await)
    }

    async fn clear(&self, gid: &str) {
        clear(&self.mysql, gid).await;
        clear(&self.postgres, gid).await;
    }

    async fn ended_whole(&self, server: &Server, gid: &str, refuses: bool) {
        let view = server.end_of(gid).await;
        let expected = if refuses { ("failed", (100, 100)) } else { ("succeed", (70, 130)) };
        assert_eq!((view.status(), self.balances(gid).await), expected, "{gid} {view:?}");
        self.clear(gid).await;
    }
}

const DROPPED: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_executions_that_are_dropped_at_random_end_in_both_databases_or_in_none() {
    // invariants I3, I4, I8, I10, I12
    let Some(banks) = Banks::open().await else { return };
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let server = Server::start().await;
    let site = Site::new(Over::Http).await;
    let (dying, living) = (banks.workflows(&site, &server), banks.workflows(&site, &server));
    let _served = site.serve(&living);
    let mut chance = StdRng::seed_from_u64(seed);
    let lives: Vec<_> =
        (0..DROPPED).map(|_| Duration::from_micros(chance.random_range(0..120_000))).collect();
    let executions = lives.into_iter().enumerate().map(|(number, life)| {
        let (banks, server, dying) = (&banks, &server, &dying);
        async move {
            let (gid, refuses) = (new_gid(), number.is_multiple_of(3));
            banks.open_accounts(&gid).await;
            let execution = dying.execute::<_, ()>("transfer", &gid, &refuses);
            // Dropped wherever it is then.
            drop(tokio::time::timeout(life, execution).await);
            if server.query(&gid).await.exists() {
                called_back(server, &gid).await;
                banks.ended_whole(server, &gid, refuses).await;
            } else {
                assert_eq!(banks.balances(&gid).await, (100, 100), "{gid} was never begun");
                banks.clear(&gid).await;
            }
        }
    });
    // Each has two connections of its own, and databases have few.
    stream::iter(executions).buffer_unordered(8).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_at_once_take_effect_once_in_each_database() {
    // decision 2, behaviour 25, invariants I3, I10, I12
    let Some(banks) = Banks::open().await else { return };
    let server = Server::start().await;
    let site = Site::new(Over::Http).await;
    let (one, two) = (banks.workflows(&site, &server), banks.workflows(&site, &server));
    let _served = site.serve(&two);
    let executions = (0..40_usize).map(|number| {
        let (banks, server, one, two) = (&banks, &server, &one, &two);
        async move {
            let (gid, refuses) = (new_gid(), number.is_multiple_of(3));
            banks.open_accounts(&gid).await;
            let first = one.execute::<_, ()>("transfer", &gid, &refuses);
            let second = two.execute::<_, ()>("transfer", &gid, &refuses);
            let (first, second) = tokio::join!(first, second);
            for ended in [&first, &second] {
                let is_expected = match ended {
                    Ok(()) => !refuses,
                    Err(Error::RolledBack { .. }) => refuses,
                    Err(error) => error.is_temporary(),
                };
                assert!(is_expected, "{gid}: {ended:?}");
            }
            if !server.query(&gid).await.has_ended() {
                called_back(server, &gid).await;
            }
            banks.ended_whole(server, &gid, refuses).await;
        }
    });
    stream::iter(executions).buffer_unordered(4).collect::<Vec<()>>().await;
}

//! Many operations in one script: each has its own answer.

use std::sync::Arc;

use dtm_store::{Error, Filter, Store as _, TransactionStore as _};
use dtm_store_redis::RedisStore;
use tokio::task::JoinSet;

use crate::fixtures::{finish, gid, join, saga};
use crate::support::Space;

const CALLERS: usize = 200;

/// What one operation is refused, by its conditions or by Redis, is nothing to those that are executed with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_operation_of_a_batch_is_refused_is_nothing_to_the_others() {
    // decisions 1 and 4
    for space in [Space::single(), Space::cluster()] {
        let Some(space) = space else { return };
        let store = Arc::new(RedisStore::open(space.config()).await.unwrap());
        let tokens = Arc::new(join(&store, "a").await);
        // given gids that are taken, and a shard whose listing is another program's
        for caller in (0..CALLERS).step_by(3) {
            store.create(saga(&format!("g{caller}"), &tokens, true)).await.unwrap();
        }
        let (mut connection, record) = {
            store.create(saga("broken", &tokens, true)).await.unwrap();
            space.record("broken").await
        };
        let tag = record.split_once("}:").unwrap().0.to_owned() + "}:";
        let listing = format!("{tag}listing");
        redis::pipe().del(&listing).set(&listing, "another's").exec_async(&mut connection).await.unwrap();
        let before = store.write_stats();

        // when many create and end at once
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
            callers.spawn(async move {
                let new = saga(&format!("g{caller}"), &tokens, true);
                let created = store.create(new.clone()).await;
                let ended = store.commit(finish(&new)).await;
                (caller, created, ended)
            });
        }
        let results = callers.join_all().await;

        // then each is told what became of its own
        let mut refused = 0;
        for (caller, created, ended) in results {
            let stored = store.load(&gid(&format!("g{caller}"))).await.unwrap();
            if caller % 3 == 0 {
                assert!(matches!(created, Err(Error::AlreadyExists(_))), "{caller}: {created:?}");
                assert!(matches!(ended, Err(Error::Conflict { .. })), "{caller}: {ended:?}");
                assert!(stored.unwrap().due.is_some(), "{caller}");
            } else if let Err(error) = created {
                assert!(matches!(error, Error::Unavailable(_)), "{caller}: {error:?}");
                assert!(error.to_string().contains("WRONGTYPE"), "{caller}: {error}");
                assert!(matches!(ended, Err(Error::NotFound(_))), "{caller}: {ended:?}");
                assert_eq!(stored, None, "{caller}");
                refused += 1;
            } else {
                ended.unwrap();
                assert_eq!(stored.unwrap().due, None, "{caller}");
            }
        }
        assert!(refused > 0, "no gid lies in the broken shard");
        let after = store.write_stats();
        let (batches, operations) = (after.batches - before.batches, after.operations - before.operations);
        assert!(batches * 2 < operations, "{operations} operations in {batches} batches");

        redis::cmd("DEL").arg(&listing).exec_async(&mut connection).await.unwrap();
        let page = store.scan(&Filter::default(), None, 1_000).await.unwrap();
        let mut listed: Vec<_> = page.transactions.iter().map(|one| one.definition.gid.to_string()).collect();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), page.transactions.len(), "each once");
    }
}

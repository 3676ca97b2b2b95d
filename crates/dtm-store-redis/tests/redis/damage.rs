//! A record whose head cannot be read stops loudly, whatever asks for it, and is left as it is.

use std::collections::BTreeMap;

use dtm_core::model::Timestamp;
use dtm_store::{Error, NodeStore as _, TransactionStore as _};
use dtm_store_redis::RedisStore;

use crate::fixtures::{finish, gid, join, saga};
use crate::support::Space;

const NO_HEADS: [&str; 6] = [
    "",
    "submitted",
    "submitted 0 a:1:1 held",
    "submitted 0 a:1:1 perhaps 1",
    "submitted none a:1:1 held 1",
    "done 0 a:1:1 held 1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_cannot_be_read_is_damage_and_nothing_replaces_it() {
    // promise 1
    let Some(space) = Space::single() else { return };
    let store = RedisStore::open(space.config()).await.unwrap();
    let (dead, tokens) = (join(&store, "dead").await, join(&store, "a").await);
    for (index, head) in NO_HEADS.into_iter().enumerate() {
        let new = saga(&format!("g{index}"), &dead, true);
        store.create(new.clone()).await.unwrap();
        let (mut connection, key) = space.record(new.transaction.gid().as_str()).await;
        redis::cmd("HSET").arg(&key).arg("head").arg(head).exec_async(&mut connection).await.unwrap();
        let before: BTreeMap<String, String> =
            redis::cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap();

        let id = gid(&format!("g{index}"));
        let loaded = store.load(&id).await;
        assert!(matches!(loaded, Err(Error::Damaged { .. })), "{head}: {loaded:?}");
        let ended = store.commit(finish(&new)).await;
        assert!(matches!(ended, Err(Error::Damaged { .. })), "{head}: {ended:?}");
        let registered = store.register_branches(&id, &new.owner.token, 0, Vec::new()).await;
        assert!(matches!(registered, Err(Error::Damaged { .. })), "{head}: {registered:?}");
        let later = Timestamp::from_millis(1 << 42);
        assert_eq!(store.purge(later, 10).await.unwrap(), 0, "{head}");
        assert_eq!(store.reschedule(Timestamp::from_millis(1), 10, tokens.node()).await.unwrap().count, 0);

        let after: BTreeMap<String, String> =
            redis::cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap();
        assert_eq!(after, before, "{head}");
    }
    store.leave(dead.node(), dead.epoch()).await.unwrap();
    let claims = store.claim_due(&tokens, 100).await.unwrap();
    assert_eq!((claims.claimed.len(), claims.damaged.len()), (0, NO_HEADS.len()), "{claims:?}");
}

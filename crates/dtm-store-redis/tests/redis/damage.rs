//! Records and indexes that are not as we write them: each stops itself, loudly, and nobody else; it is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use dtm_core::model::{Status, Timestamp};
use dtm_store::{Error, Filter, NodeStore as _, Store as _, TransactionStore as _};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_another_type_stops_neither_claims_nor_listings() {
    for space in [Space::single(), Space::cluster()] {
        let Some(space) = space else { return };
        let store = RedisStore::open(space.config()).await.unwrap();
        let tokens = join(&store, "a").await;
        let all: Vec<_> = (0..20).map(|index| saga(&format!("g{index}"), &tokens, false)).collect();
        for new in &all {
            store.create(new.clone()).await.unwrap();
        }
        let (mut connection, key) = space.record("g3").await;
        redis::cmd("DEL").arg(&key).exec_async(&mut connection).await.unwrap();
        redis::cmd("SET").arg(&key).arg("mine").exec_async(&mut connection).await.unwrap();
        // one that is no text, and one whose due time is none
        let (mut connection, key) = space.record("g5").await;
        let mut set = redis::cmd("HSET");
        set.arg(&key).arg("head").arg(&[0xff_u8][..]).exec_async(&mut connection).await.unwrap();
        let (mut connection, key) = space.record("g7").await;
        let due = key.replace(":transaction:g7", ":due:");
        redis::cmd("ZADD").arg(&due).arg("1.5").arg("g7").exec_async(&mut connection).await.unwrap();

        for filter in [Filter::default(), Filter { status: Some(Status::Submitted), ..Filter::default() }] {
            let page = store.scan(&filter, None, 100).await.unwrap();
            assert_eq!(page.transactions.len(), 18, "all but two");
        }
        let (mut claimed, mut damaged) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..20 {
            let claims = store.claim_due(&tokens, 2).await.unwrap();
            claimed.extend(claims.claimed.iter().map(|stored| stored.transaction.gid().to_string()));
            for one in claims.damaged {
                assert!(!one.detail.is_empty());
                assert!(damaged.insert(one.gid), "reported once");
            }
        }
        assert_eq!(damaged.iter().map(String::as_str).collect::<Vec<_>>(), ["g3", "g5", "g7"]);
        assert_eq!(claimed.len(), 17, "{claimed:?}");
        for id in ["g3", "g5"] {
            let loaded = store.load(&gid(id)).await;
            assert!(matches!(loaded, Err(Error::Damaged { .. })), "{loaded:?}");
        }
        // trap 7: it is neither replaced nor changed, and the caller knows that
        let result = store.commit(finish(&all[3])).await;
        assert!(matches!(result, Err(Error::Damaged { .. })), "{result:?}");
        store.close().await.unwrap();
    }
}

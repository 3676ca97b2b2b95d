//! Rows of servers that are no more.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Clock as _, Epoch, Error, NodeName, NodeStore as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::ManualClock;

use crate::fixtures::{finish, join, saga};

const DAY: Duration = Duration::from_secs(86_400);

/// Every start of a server without a name of its own makes a row; they must not pile up.
pub(crate) async fn the_long_dead_are_forgotten_unless_they_hold_something(config: SqlConfig) {
    let clock = ManualClock::default();
    let store = SqlStore::open(SqlConfig { clock: Some(Arc::new(clock.clone())), ..config }).await.unwrap();
    let (silent, left) = (join(&store, "silent").await, join(&store, "left").await);
    let holder = join(&store, "holder").await;
    let neighbour = join(&store, "holder2").await;
    let new = saga("g", &holder, true);
    store.create(new.clone()).await.unwrap();
    clock.advance(DAY);
    let alive = join(&store, "alive").await;
    store.leave(left.node(), left.epoch()).await.unwrap();
    assert_eq!(store.forget_dead(DAY).await.unwrap(), 0, "for exactly a day, and for no time at all");
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.forget_dead(DAY).await.unwrap(), 2, "the silent one and the neighbour");
    for gone in [&silent, &neighbour] {
        let result = store.heartbeat(gone.node(), gone.epoch()).await;
        assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    }
    store.heartbeat(alive.node(), alive.epoch()).await.unwrap();

    store.commit(finish(&new)).await.unwrap();
    clock.advance(DAY);
    store.heartbeat(alive.node(), alive.epoch()).await.unwrap();
    assert_eq!(store.forget_dead(DAY).await.unwrap(), 2, "the holder, and the one that left");
    store.heartbeat(alive.node(), alive.epoch()).await.unwrap();
    let again = store.join(&NodeName::parse("silent").unwrap()).await.unwrap();
    assert!(again > silent.epoch() && again >= Epoch(clock.now().as_millis()), "{again:?}");
}

//! How often servers look for something to do.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dtm_core::coordinator::Verb;
use dtm_core::model::Gid;
use tokio::time::sleep;

use crate::copies::{tcc, two_servers};

#[tokio::test(start_paused = true)]
async fn nobody_looks_for_work_because_something_was_prepared_that_is_due_later() {
    // promise 3: a look costs more than all writes of a transaction
    let (world, first, _second, _) = two_servers().await;
    let prepare = async |number: u64| {
        let gid = Gid::parse(&format!("g{number}")).expect("a gid");
        first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await.expect("it is new");
        sleep(Duration::from_millis(1)).await;
    };
    prepare(0).await;
    let before = world.operations.load(Ordering::Relaxed);
    for number in 1..=100 {
        prepare(number).await;
    }
    let operations = world.operations.load(Ordering::Relaxed) - before;
    assert!((100..110).contains(&operations), "{operations} operations of the store for 100 creations");
}

//! Promises about topics with versions (defects B4, B17).

use std::time::Duration;

use super::StoreUnderTest;
use super::fixtures::{at_once, eight};
use crate::{Error, Store, Subscriber, Topic};

fn subscriber(url: &str) -> Subscriber {
    Subscriber { url: url.to_owned(), remark: format!("remark of {url}") }
}

async fn read(store: &dyn Store, name: &str) -> Option<Topic> {
    store.load_topic(name).await.unwrap()
}

/// A topic keeps its subscribers in their order, and its version counts the changes.
pub async fn a_topic_starts_at_version_one_and_counts_its_changes(under_test: &mut impl StoreUnderTest) {
    let (store, created_at) = (under_test.store(), under_test.now());
    assert!(store.load_topic("orders").await.unwrap().is_none());
    assert_eq!(store.save_topic("orders", &[subscriber("http://b")], None).await.unwrap(), 1);
    under_test.advance(Duration::from_secs(1)).await;
    let both = [subscriber("http://b"), subscriber("http://a")];
    for (subscribers, version) in [(&both[..], 2), (&[], 3), (&both, 4)] {
        let known = read(&*store, "orders").await;
        assert_eq!(store.save_topic("orders", subscribers, known.as_ref()).await.unwrap(), version);
    }
    let topic = store.load_topic("orders").await.unwrap().unwrap();
    assert_eq!((topic.name.as_str(), topic.version), ("orders", 4));
    assert_eq!(topic.subscribers, both);
    assert_eq!((topic.created_at, topic.updated_at), (created_at, under_test.now()));
    assert!(store.load_topic("order").await.unwrap().is_none());
    assert!(store.load_topic("orders ").await.unwrap().is_none());
}

/// Whoever has read an older version changes nothing.
pub async fn a_lost_race_for_a_topic_is_an_error(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    store.save_topic("orders", &[subscriber("http://a")], None).await.unwrap();
    let first = read(&*store, "orders").await;
    store.save_topic("orders", &[subscriber("http://b")], first.as_ref()).await.unwrap();
    let later = read(&*store, "orders").await.map(|topic| Topic { version: 3, ..topic });
    for expected in [&None, &first, &later] {
        let result = store.save_topic("orders", &[subscriber("http://c")], expected.as_ref()).await;
        assert!(matches!(result, Err(Error::Conflict { .. })), "{expected:?}: {result:?}");
    }
    let result = store.save_topic("unknown", &[], first.as_ref()).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    let topic = store.load_topic("orders").await.unwrap().unwrap();
    assert_eq!((topic.version, topic.subscribers), (2, vec![subscriber("http://b")]));
}

/// A deleted topic leaves nothing behind.
pub async fn a_topic_that_is_deleted_and_created_again_starts_anew(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let result = store.delete_topic("orders").await;
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    store.save_topic("orders", &[subscriber("http://a")], None).await.unwrap();
    let removed = read(&*store, "orders").await;
    store.delete_topic("orders").await.unwrap();
    assert!(store.load_topic("orders").await.unwrap().is_none());
    let result = store.save_topic("orders", &[], removed.as_ref()).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    under_test.advance(Duration::from_secs(1)).await;
    assert_eq!(store.save_topic("orders", &[subscriber("http://b")], None).await.unwrap(), 1);
    // of the same version, and yet another one
    let result = store.save_topic("orders", &[subscriber("http://c")], removed.as_ref()).await;
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    assert_eq!(read(&*store, "orders").await.unwrap().subscribers, [subscriber("http://b")]);
}

/// Defect B4: a listing of topics is complete, however many there are.
pub async fn topics_are_listed_by_name_page_by_page(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let mut names: Vec<String> = (0..25).map(|index| format!("topic-{index}")).collect();
    names.extend(["topic".to_owned(), "订单 1".to_owned(), "a/b".to_owned()]);
    for name in &names {
        store.save_topic(name, &[subscriber(name)], None).await.unwrap();
    }
    names.sort_unstable();
    for limit in [1, 4, 7, 28, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = store.scan_topics(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            found.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(found.iter().map(|topic| topic.name.clone()).collect::<Vec<_>>(), names);
        assert!(found.iter().all(|topic| topic.subscribers == [subscriber(&topic.name)]));
    }
}

/// Of several creations at the same moment exactly one succeeds.
pub async fn of_eight_creations_of_one_topic_at_once_one_wins(under_test: &mut impl StoreUnderTest) {
    let store = under_test.store();
    let results =
        at_once(eight(&store).map(|store| async move { store.save_topic("orders", &[], None).await })).await;
    assert_eq!(results.iter().filter(|result| matches!(result, Ok(1))).count(), 1, "{results:?}");
    let conflict = |result: &&Result<u64, Error>| matches!(result, Err(Error::Conflict { .. }));
    assert_eq!(results.iter().filter(conflict).count(), 7, "{results:?}");
}

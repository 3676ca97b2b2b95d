//! Listings of topics, which may be large.

use dtm_store::{Subscriber, TopicStore as _};

use crate::support::open;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_page_of_large_topics_ends_early_and_no_topic_is_left_out() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = open(folder.path()).await.unwrap();
    let subscribers = [Subscriber { url: "x".repeat(MIB), remark: String::new() }];
    let names: Vec<_> = (0..10).map(|number| format!("t{number}")).collect();
    for name in &names {
        store.save_topic(name, &subscribers, None).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = store.scan_topics(after.as_ref(), 1_000).await.unwrap();
        assert!(page.len() <= 5, "{} topics of 1 MiB at once", page.len());
        found.extend(page.into_iter().map(|topic| topic.name));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, names);
}

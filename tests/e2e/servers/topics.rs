//! A change of a topic on one server is a change on all.

use serde_json::json;

use super::two;
use crate::harness::{Branches, Client, SUCCESS, Server, Settings, With, escaped, message};

async fn topic(server: &Client, verb: &str, url: &str) {
    let path = format!("/api/dtmsvr/{verb}?topic=orders&url={}&remark=r", escaped(url));
    assert_eq!(server.get(&path).await.parts(), (200, SUCCESS), "{verb} {url}");
}

async fn tell(server: &Server, gid: &str, branches: &Branches) -> u16 {
    let steps = json!([{"action": "topic://orders"}]);
    let body = message(gid, branches, 1).with("steps", steps).with("wait_result", true);
    server.post("submit", &body).await.status
}

#[tokio::test]
async fn a_message_goes_to_whoever_has_subscribed_with_another_server_a_moment_before() {
    // issue, "Many servers": topics are visible everywhere within a second
    let Some((first, second)) = two(Settings::default()).await else { return };
    let branches = Branches::start().await;
    let (a, b) = (branches.url("/a"), branches.url("/b"));
    topic(first.client(), "subscribe", &a).await;
    assert_eq!(tell(&second, "one", &branches).await, 200);
    assert_eq!(branches.paths(), ["/a"]);
    topic(second.client(), "subscribe", &b).await;
    assert_eq!(tell(&first, "two", &branches).await, 200);
    assert_eq!((branches.count("/a"), branches.count("/b")), (2, 1));
    topic(first.client(), "unsubscribe", &a).await;
    assert_eq!(tell(&second, "three", &branches).await, 200);
    assert_eq!((branches.count("/a"), branches.count("/b")), (2, 2));
    let deleted = second.send(reqwest::Method::DELETE, "/api/dtmsvr/topic/orders", None, "").await.unwrap();
    assert_eq!(deleted.parts(), (200, SUCCESS));
    assert_ne!(tell(&first, "four", &branches).await, 200, "there is no such topic any more");
    assert_eq!(branches.calls().len(), 4);
}

#[tokio::test]
async fn of_subscriptions_with_two_servers_at_the_same_time_none_is_lost() {
    // behaviour 34
    let Some((first, second)) = two(Settings::default()).await else { return };
    let (first, second) = (first.client(), second.client());
    let urls: Vec<String> = (0..20).map(|number| format!("http://host/{number}")).collect();
    let all = urls
        .iter()
        .enumerate()
        .map(|(number, url)| topic(if number % 2 == 0 { first } else { second }, "subscribe", url));
    futures_util::future::join_all(all).await;
    let kv = second.get("/api/dtmsvr/queryKV?cat=topics&key=orders").await;
    assert!(urls.iter().all(|url| kv.body.contains(&format!("{url}\\\""))), "{kv:?}");
}

//! The list of topics as the admin pages read it (behaviour 34, 35).

use serde_json::{Value, json};

use crate::harness::{SUCCESS, Server, escaped};

async fn subscribe(server: &Server, topic: &str, url: &str) {
    let query = format!("topic={}&url={}&remark=why", escaped(topic), escaped(url));
    let answer = server.get(&format!("/api/dtmsvr/subscribe?{query}")).await;
    assert_eq!(answer.parts(), (200, SUCCESS));
}

#[tokio::test]
async fn a_topic_is_a_row_with_its_subscribers_as_json_text() {
    // behaviour 34, 35
    let server = Server::start().await;
    subscribe(&server, "订单 1", "http://a/b?c=d").await;
    subscribe(&server, "订单 1", "http://b").await;
    let answer = server.get(&format!("/api/dtmsvr/queryKV?cat=topics&key={}", escaped("订单 1"))).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let rows = body["kv"].as_array().expect("a list");
    assert_eq!(rows.len(), 1);
    let mut names: Vec<&str> = rows[0].as_object().expect("a row").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cat", "create_time", "id", "k", "update_time", "v", "version"]);
    assert_eq!((&rows[0]["cat"], &rows[0]["k"]), (&json!("topics"), &json!("订单 1")));
    assert_eq!((&rows[0]["id"], &rows[0]["version"]), (&json!(0), &json!(2)));
    let subscribers = r#"[{"url":"http://a/b?c=d","remark":"why"},{"url":"http://b","remark":"why"}]"#;
    assert_eq!(rows[0]["v"], subscribers);
    for time in ["create_time", "update_time"] {
        assert!(rows[0][time].as_str().is_some_and(|text| text.ends_with('Z')), "{time}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_an_empty_list_and_not_null() {
    // behaviour 35
    let server = Server::start().await;
    subscribe(&server, "t", "http://a").await;
    for query in ["cat=topics&key=other", "cat=other&key=t", "key=t"] {
        let answer = server.get(&format!("/api/dtmsvr/queryKV?{query}")).await;
        assert_eq!(answer.parts(), (200, r#"{"kv":[]}"#), "{query}");
    }
    for query in ["cat=other", ""] {
        let answer = server.get(&format!("/api/dtmsvr/scanKV?{query}")).await;
        assert_eq!(answer.parts(), (200, r#"{"kv":[],"next_position":""}"#), "{query}");
    }
    let answer = server.get("/api/dtmsvr/queryKV?cat=topics").await;
    assert_eq!((answer.status, answer.message().contains("key is empty")), (400, true));
}

#[tokio::test]
async fn a_listing_is_complete_page_by_page() {
    // behaviour 35, defect B4
    let server = Server::start().await;
    let mut expected: Vec<String> = (0..25).map(|number| format!("topic {number:02}")).collect();
    expected.push("订单/1".to_owned());
    for name in &expected {
        subscribe(&server, name, "http://a").await;
    }
    for limit in [1, 7, 26, 100] {
        let (mut found, mut position) = (Vec::new(), String::new());
        loop {
            let query = format!("cat=topics&limit={limit}&position={}", escaped(&position));
            let page = server.get(&format!("/api/dtmsvr/scanKV?{query}")).await.json();
            let rows = page["kv"].as_array().expect("a list");
            assert!(rows.len() <= limit);
            let name = |row: &Value| row["k"].as_str().expect("a name").to_owned();
            found.extend(rows.iter().map(name));
            page["next_position"].as_str().expect("a text").clone_into(&mut position);
            if position.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "limit {limit}");
    }
    for query in ["limit=0", "limit=1001", "limit=many"] {
        assert_eq!(
            server.get(&format!("/api/dtmsvr/scanKV?cat=topics&{query}")).await.status,
            400,
            "{query}"
        );
    }
}

//! Topics: subscribers, and what becomes of a message to them (behaviour 33, 34, 86, 109).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Branches, Client, Reply, SUCCESS, With, both, escaped};

impl Client {
    async fn subscribe(&self, topic: &str, url: &str) -> Answer {
        let query = format!("topic={}&url={}&remark={}", escaped(topic), escaped(url), escaped("a remark"));
        self.get(&format!("/api/dtmsvr/subscribe?{query}")).await
    }

    async fn subscribes(&self, topic: &str, url: &str) {
        assert_eq!(self.subscribe(topic, url).await.parts(), (200, SUCCESS), "{topic} {url}");
    }

    async fn unsubscribe(&self, topic: &str, url: &str) -> Answer {
        self.get(&format!("/api/dtmsvr/unsubscribe?topic={}&url={}", escaped(topic), escaped(url))).await
    }

    async fn delete_topic(&self, topic: &str) -> Answer {
        let path = format!("/api/dtmsvr/topic/{}", escaped(topic));
        self.send(reqwest::Method::DELETE, &path, None, "").await.expect("the server answers")
    }

    /// Version and URLs of a topic.
    async fn topic(&self, topic: &str) -> Option<(i64, Vec<String>)> {
        let kv = self.get(&format!("/api/dtmsvr/queryKV?cat=topics&key={}", escaped(topic))).await.json();
        let row = kv["kv"].get(0)?;
        let subscribers: Vec<Value> = serde_json::from_str(row["v"].as_str()?).ok()?;
        let urls = subscribers.iter().map(|it| it["url"].as_str().unwrap_or_default().to_owned());
        Some((row["version"].as_i64()?, urls.collect()))
    }
}

/// A message to these actions, payload `n` for step `n`.
fn message_to(gid: &str, branches: &Branches, actions: &[&str]) -> Value {
    json!({
        "gid": gid,
        "trans_type": "msg",
        "steps": actions.iter().map(|action| json!({"action": action})).collect::<Vec<_>>(),
        "payloads": (1..=actions.len()).map(|step| format!("{{\"step\":{step}}}")).collect::<Vec<_>>(),
        "query_prepared": branches.url("/query"),
        "retry_interval": 1,
    })
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert!(answer.json().get("dtm_result").is_none(), "{answer:?}");
    (answer.status, answer.message())
}

#[tokio::test]
async fn what_cannot_be_done_to_a_topic_is_refused_in_dtms_words() {
    // behaviour 33
    let (server, branches) = both().await;
    let url = branches.url("/a");
    let internal = |text: &str| (500, text.to_owned());
    assert_eq!(refusal(&server.subscribe("", &url).await), internal("empty topic"));
    assert_eq!(refusal(&server.subscribe("t", "").await), internal("empty url"));
    assert_eq!(refusal(&server.unsubscribe("", &url).await), internal("empty topic"));
    assert_eq!(refusal(&server.unsubscribe("t", "").await), internal("empty url"));
    assert_eq!(refusal(&server.unsubscribe("t", &url).await), internal("no such a topic"));
    assert_eq!(refusal(&server.delete_topic("t").await), internal("storage: NotFound"));
    assert_eq!(server.topic("t").await, None, "nothing was stored");

    server.subscribes("t", &url).await;
    assert_eq!(refusal(&server.subscribe("t", &url).await), internal("this url exists"));
    assert_eq!(refusal(&server.unsubscribe("t", "http://x").await), internal("no such an url "));
    assert_eq!(server.topic("t").await, Some((1, vec![url.clone()])), "nothing was changed");
    assert_eq!(server.unsubscribe("t", &url).await.parts(), (200, SUCCESS));
    assert_eq!(refusal(&server.unsubscribe("t", &url).await), internal("this topic is empty"));
    assert_eq!(server.topic("t").await, Some((2, Vec::new())));
    assert_eq!(server.delete_topic("t").await.parts(), (200, SUCCESS));
    assert_eq!(server.topic("t").await, None);
    server.subscribes("t", &url).await;
    assert_eq!(server.topic("t").await, Some((1, vec![url])), "a new one");
}

#[tokio::test]
async fn names_urls_and_remarks_have_limits() {
    // decision 14
    let (server, branches) = both().await;
    let url = branches.url("/a");
    for (what, topic, url, words) in [
        ("a long name", "x".repeat(256), url.clone(), "at most 255"),
        ("a line feed", "a\nb".to_owned(), url.clone(), "control character"),
        ("a long url", "t".to_owned(), format!("{url}{}", "x".repeat(9_000)), "MaxUrlBytes"),
        ("no url", "t".to_owned(), "nonsense".to_owned(), "http://"),
        ("a topic of a topic", "t".to_owned(), "topic://t".to_owned(), "http://"),
    ] {
        let (status, message) = refusal(&server.subscribe(&topic, &url).await);
        assert_eq!(status, 400, "{what}: {message}");
        assert!(message.contains(words), "{what}: {message}");
    }
    let remark = format!("topic=t&url={}&remark={}", escaped(&url), "r".repeat(1_025));
    let long = server.get(&format!("/api/dtmsvr/subscribe?{remark}")).await;
    assert_eq!((long.status, long.message().contains("remark")), (400, true), "{long:?}");
    assert_eq!(server.get("/api/dtmsvr/scanKV?cat=topics").await.json()["kv"], json!([]));
}

#[tokio::test]
async fn a_thousand_subscribers_are_accepted_and_one_more_is_refused() {
    // decision 14
    let (server, branches) = both().await;
    for number in 0..1_000 {
        server.subscribes("crowd", &branches.url(&format!("/{number}"))).await;
    }
    let (status, message) = refusal(&server.subscribe("crowd", &branches.url("/1000")).await);
    assert_eq!((status, message.contains("1000 subscribers")), (400, true), "{message}");
    // 11 steps for 1,000 subscribers each are more branches than a transaction may have
    let many = message_to("many", &branches, &["topic://crowd"; 11]);
    let answer = server.post("submit", &many).await;
    assert_eq!((answer.status, answer.message().contains("11000 branches")), (400, true), "{answer:?}");
    assert!(!server.query("many").await.exists());
    let one = message_to("one", &branches, &["topic://crowd"]).with("concurrent", true);
    server.submit(&one).await;
    assert_eq!(server.end_of("one").await.branches().len(), 1_000);
}

#[tokio::test]
async fn a_topic_has_at_most_a_megabyte_of_urls() {
    // decision 14
    let (server, branches) = both().await;
    let long = "x".repeat(8_000);
    let mut accepted = 0_usize;
    let refused = loop {
        let answer = server.subscribe("heavy", &branches.url(&format!("/{accepted}?{long}"))).await;
        if answer.status != 200 {
            break answer;
        }
        accepted += 1;
    };
    assert_eq!((refused.status, refused.message().contains("1048576 bytes")), (400, true), "{refused:?}");
    assert!((120..=131).contains(&accepted), "{accepted}");
    server.subscribes("other", &branches.url("/a")).await;
}

#[tokio::test]
async fn hundreds_of_subscribers_at_once_all_get_in() {
    // behaviour 34: TestConcurrentUpdateTopic, but nobody has to try again
    let (server, branches) = both().await;
    let urls: Vec<String> = (0..300).map(|number| branches.url(&format!("/{number}"))).collect();
    let answers = join_all(urls.iter().map(|url| server.subscribe("t", url))).await;
    assert!(answers.iter().all(|answer| answer.parts() == (200, SUCCESS)), "{answers:?}");
    let (version, mut found) = server.topic("t").await.expect("it is there");
    found.sort();
    let mut expected = urls.clone();
    expected.sort();
    assert_eq!((version, found), (300, expected));
    let (leaving, staying) = urls.split_at(100);
    join_all(leaving.iter().map(|url| server.unsubscribe("t", url))).await;
    let (version, found) = server.topic("t").await.expect("it is there");
    assert_eq!((version, found.len()), (400, 200));
    assert!(staying.iter().all(|url| found.contains(url)));
}

#[tokio::test]
async fn a_message_goes_to_every_subscriber_with_the_payload_of_its_step() {
    // behaviour 86
    let (server, branches) = both().await;
    for path in ["/s1", "/s2"] {
        server.subscribes("two", &branches.url(path)).await;
    }
    server.subscribes("one", &branches.url("/alone")).await;
    let actions = ["topic://two", &branches.url("/plain"), "topic://one"];
    server.submit(&message_to("g", &branches, &actions)).await;
    let view = server.end_of("g").await;
    assert_eq!(view.row_names(), ["01-01 action", "01-02 action", "02 action", "03 action"]);
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "s s s s"));
    let seen: Vec<_> =
        branches.calls().iter().map(|it| (it.path.clone(), it.branch_id(), it.text().to_owned())).collect();
    let expected = [
        ("/s1", "01-01", r#"{"step":1}"#),
        ("/s2", "01-02", r#"{"step":1}"#),
        ("/plain", "02", r#"{"step":2}"#),
        ("/alone", "03", r#"{"step":3}"#),
    ];
    assert_eq!(seen, expected.map(|(path, id, text)| (path.to_owned(), id.to_owned(), text.to_owned())));
}

#[tokio::test]
async fn a_topic_that_nobody_subscribes_to_stores_nothing() {
    // behaviour 86
    let (server, branches) = both().await;
    server.subscribes("left", &branches.url("/a")).await;
    server.unsubscribe("left", &branches.url("/a")).await;
    server.subscribes("good", &branches.url("/a")).await;
    for actions in
        [&["topic://unknown"][..], &["topic://left"], &["topic://"], &["topic://good", "topic://x"]]
    {
        for verb in ["prepare", "submit"] {
            let answer = server.post(verb, &message_to("g", &branches, actions)).await;
            assert_eq!(refusal(&answer), (500, "topic not found".to_owned()), "{verb} {actions:?}");
            assert!(!server.query("g").await.exists(), "{verb} {actions:?}");
        }
    }
    let saga = message_to("g", &branches, &["topic://good"]).with("trans_type", "saga");
    let answer = server.post("submit", &saga).await;
    assert_eq!((answer.status, answer.message().contains("steps[0].action")), (400, true), "{answer:?}");
    assert!(branches.calls().is_empty());
}

#[tokio::test]
async fn a_subscriber_that_the_protocol_of_a_message_cannot_call_is_refused_with_the_message() {
    // decision 14: which protocol a message has is known only when it is stored
    let (server, branches) = both().await;
    server.subscribes("t", &branches.url("/a")).await;
    let body = message_to("prepared", &branches, &["topic://t"]);
    server.accepts("prepare", &body).await;
    server.subscribes("t", "127.0.0.1:1/busi.Busi/TransIn").await;
    for verb in ["prepare", "submit"] {
        let (status, text) = refusal(&server.post(verb, &message_to("g", &branches, &["topic://t"])).await);
        assert_eq!((status, text.contains("subscriber 2 of topic t")), (400, true), "{text}");
        assert!(!server.query("g").await.exists());
    }
    // JSON-RPC has no room for what is no object
    server.subscribes("rpc", &branches.url("/rpc?method=f")).await;
    let rpc = message_to("r", &branches, &["topic://rpc"]).with("protocol", "json-rpc");
    let (status, text) = refusal(&server.post("submit", &rpc.clone().with("payloads", json!(["[1]"]))).await);
    assert_eq!((status, text.contains("payloads[0]")), (400, true), "{text}");
    server.submit(&rpc).await;
    assert_eq!(server.end_of("r").await.status(), "succeed");
    // what is stored already goes on
    server.accepts("submit", &body).await;
    assert_eq!(server.end_of("prepared").await.rows(), "s");
    let grpc =
        message_to("grpc", &branches, &["topic://t"]).with("protocol", "grpc").with("concurrent", true);
    server.submit(&grpc).await;
    let view = server.until("grpc", |view| view.rows() == "s p").await;
    assert_eq!(view.row_names(), ["01-01 action", "01-02 action"]);
}

#[tokio::test]
async fn a_change_of_a_topic_counts_from_the_next_message_on() {
    // behaviour 109, decision 22, defects B4, B17
    let (server, branches) = both().await;
    let urls = async |gid: &str| {
        server.submit(&message_to(gid, &branches, &["topic://t"])).await;
        let view = server.end_of(gid).await;
        let text = |row: &Value| row["url"].as_str().unwrap_or_default().to_owned();
        view.branches().iter().map(text).collect::<Vec<_>>()
    };
    let [a, b] = ["/a", "/b"].map(|path| branches.url(path));
    for round in 0..20 {
        server.subscribes("t", &a).await;
        assert_eq!(urls(&format!("one-{round}")).await, [a.as_str()]);
        server.subscribes("t", &b).await;
        assert_eq!(urls(&format!("two-{round}")).await, [a.as_str(), b.as_str()]);
        server.unsubscribe("t", &a).await;
        assert_eq!(urls(&format!("other-{round}")).await, [b.as_str()]);
        server.delete_topic("t").await;
        let gone = server.post("submit", &message_to("gone", &branches, &["topic://t"])).await;
        assert_eq!(refusal(&gone).0, 500);
    }
}

#[tokio::test]
async fn a_message_that_waits_keeps_the_subscribers_that_it_was_stored_with() {
    // behaviour 33, 86, decision 1: the name of the topic is the content, not what it stands for by now
    let (mut server, branches) = both().await;
    server.subscribes("t", &branches.url("/a")).await;
    server.subscribes("t", &branches.url("/b")).await;
    let body = message_to("g", &branches, &["topic://t"]);
    server.accepts("prepare", &body).await;
    server.delete_topic("t").await;
    server.accepts("prepare", &body).await;
    server.kill().await;
    server.restart().await;
    branches.on("/a", [Reply::ongoing()]);
    server.accepts("submit", &body.clone().with("retry_interval", 1)).await;
    branches.wait_for("/a", 1).await;
    server.subscribes("t", &branches.url("/c")).await;
    server.accepts("submit", &body.clone().with("retry_interval", 1)).await;
    let other = server.post("submit", &message_to("g", &branches, &["topic://u"])).await;
    assert_eq!((other.status, other.message().contains("steps[0].action")), (409, true), "{other:?}");
    branches.on("/a", [Reply::ok()]);
    let view = server.end_of("g").await;
    assert_eq!(view.row_names(), ["01-01 action", "01-02 action"]);
    assert_eq!((branches.count("/b"), branches.count("/c")), (1, 0));
}

#[tokio::test]
async fn topics_and_messages_to_them_survive_a_crash() {
    // defect B4
    let (mut server, branches) = both().await;
    for number in 0..30 {
        server.subscribes(&format!("t{number}"), &branches.url(&format!("/{number}"))).await;
    }
    server.kill().await;
    server.restart().await;
    for number in 0..30 {
        let gid = format!("g{number}");
        server.submit(&message_to(&gid, &branches, &[&format!("topic://t{number}")])).await;
        assert_eq!(server.end_of(&gid).await.status(), "succeed");
    }
    assert_eq!(branches.calls().len(), 30);
}

#[tokio::test]
async fn a_gid_in_use_by_another_mode_is_refused_and_stays_what_it_is() {
    // decision 1
    let (server, branches) = both().await;
    server.subscribes("t", &branches.url("/a")).await;
    server.accepts("prepare", &json!({"gid": "g", "trans_type": "tcc"})).await;
    for verb in ["prepare", "submit"] {
        let answer = server.post(verb, &message_to("g", &branches, &["topic://t"])).await;
        assert_eq!((answer.status, answer.message().contains("trans_type")), (409, true), "{answer:?}");
    }
    let view = server.query("g").await;
    assert_eq!((view.field("trans_type"), view.status()), ("tcc", "prepared"));
}

#[tokio::test]
async fn names_with_every_character_work() {
    // behaviour 33, 35
    let (server, branches) = both().await;
    for (number, name) in ["a/b?c=d&e#f", "it's \"quoted\" 100%", "订单", "+", ".."].iter().enumerate() {
        let url = branches.url(&format!("/{number}?x=1&y=2"));
        server.subscribes(name, &url).await;
        assert_eq!(server.topic(name).await, Some((1, vec![url])), "{name}");
        let gid = format!("g{number}");
        server.submit(&message_to(&gid, &branches, &[&format!("topic://{name}")])).await;
        assert_eq!(server.end_of(&gid).await.status(), "succeed", "{name}");
        // A client makes nothing of a segment that is two dots, whether or not it is encoded.
        if *name != ".." {
            assert_eq!(server.delete_topic(name).await.parts(), (200, SUCCESS), "{name}");
            assert_eq!(server.topic(name).await, None, "{name}");
        }
    }
}

//! Several addresses, and what goes along with every request.

use dtm_client::{Error, Retry, Step};

use super::scripted::{Say, Scripted};
use super::{builder, client};

const SUCCESS: &str = r#"{"dtm_result":"SUCCESS"}"#;

#[tokio::test]
async fn a_gateway_that_finds_no_server_is_left_for_the_next_address_and_the_client_stays_there() {
    // The order is drawn: often enough to have both.
    for _ in 0..8 {
        let broken = Scripted::start((0..9).map(|_| Say::Http(502, "no server"))).await;
        let well = Scripted::start((0..9).map(|_| Say::Http(200, SUCCESS))).await;
        let client =
            builder(&broken.address()).address(&well.address()).retry(Retry::never()).build().unwrap();
        for number in 0..3 {
            client.saga(format!("g{number}")).step(Step::new("http://a", "")).submit().await.unwrap();
        }
        assert_eq!(well.requests().len(), 3);
        assert!(broken.requests().len() <= 1, "asked once at most");
    }
}

#[tokio::test]
async fn when_every_address_fails_each_has_had_its_attempts() {
    let servers = [
        Scripted::start((0..9).map(|_| Say::HangUp)).await,
        Scripted::start((0..9).map(|_| Say::Http(504, "late"))).await,
    ];
    let client = builder(&servers[0].address()).address(&servers[1].address()).build().unwrap();
    let error = client.saga("g").step(Step::new("http://a", "")).submit().await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert_eq!(servers.each_ref().map(|server| server.requests().len()), [3, 3]);
}

#[tokio::test]
async fn headers_and_the_token_go_with_every_request_to_the_server() {
    let server =
        Scripted::start([Say::Http(200, SUCCESS), Say::Http(200, r#"{"branches":[],"transaction":null}"#)])
            .await;
    let client = builder(&server.address()).bearer_token("abc").header("x-tenant", "blue").build().unwrap();
    client.saga("g").step(Step::new("http://a", "")).submit().await.unwrap();
    client.status("g").await.unwrap();
    for request in server.requests() {
        let head = request.head.to_ascii_lowercase();
        assert!(head.contains("authorization: bearer abc") && head.contains("x-tenant: blue"), "{head}");
    }
}

#[tokio::test]
async fn an_http_client_of_ones_own_is_used() {
    let server = Scripted::start([Say::Http(200, SUCCESS)]).await;
    let own = reqwest::Client::builder().user_agent("of my own").build().unwrap();
    let client = builder(&server.address()).http_client(own).build().unwrap();
    client.saga("g").step(Step::new("http://a", "")).submit().await.unwrap();
    assert!(server.requests()[0].head.contains("of my own"));
}

#[tokio::test]
async fn a_server_of_another_version_that_does_not_know_the_question_refuses_it() {
    let server = Scripted::start((0..3).map(|_| Say::Http(404, "404 page not found"))).await;
    let client = client(&server);
    let error = client.new_gid().await.unwrap_err();
    assert!(matches!(error, Error::Refused { code: 404, .. }), "{error}");
    let error = client.query("g").await.unwrap_err();
    assert!(matches!(error, Error::Refused { code: 404, .. }), "{error}");
}

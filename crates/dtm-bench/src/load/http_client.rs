//! A client that speaks HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::mode::PAYLOAD;
use super::{Connection, Mode, Verb};

/// What every transaction of a load sends; only the gid differs.
pub(crate) type HttpRequests = Arc<[HttpRequest]>;

/// One request without its gid.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    path: &'static str,
    /// The body behind the gid.
    after_gid: String,
}

/// A client with a connection of its own.
pub(crate) struct HttpClient {
    pub(crate) connection: Connection,
    pub(crate) requests: HttpRequests,
}

impl HttpClient {
    /// Sends everything that a transaction consists of, one after the other.
    pub(crate) async fn run(&mut self, gid: &str) -> crate::Result {
        for HttpRequest { path, after_gid } in self.requests.iter() {
            let body = Bytes::from(format!("{{\"gid\":\"{gid}\"{after_gid}"));
            self.connection.post(path, body).await?;
        }
        Ok(())
    }
}

/// What a server expects in the bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// DTM's, which is also this server's.
    Dtm,
    /// dtmrs': payloads are part of the steps, a message lists `actions` when it is prepared and nothing later.
    Dtmrs,
}

/// The requests of a transaction whose branches are at `branches`.
pub(crate) fn http_requests(dialect: Dialect, mode: Mode, steps: u32, branches: SocketAddr) -> HttpRequests {
    let request = |verb| {
        let (path, body) = match verb {
            Verb::Prepare => ("/api/dtmsvr/prepare", transaction(dialect, verb, mode, steps, branches)),
            Verb::Submit => ("/api/dtmsvr/submit", transaction(dialect, verb, mode, steps, branches)),
            Verb::Register(branch) => ("/api/dtmsvr/registerBranch", registration(branch, branches)),
        };
        // the body is an object, so that its text begins with a brace
        HttpRequest { path, after_gid: format!(",{}", &body.to_string()[1..]) }
    };
    mode.verbs(steps).into_iter().map(request).collect()
}

fn transaction(dialect: Dialect, verb: Verb, mode: Mode, steps: u32, branches: SocketAddr) -> Value {
    let mut body = json!({"trans_type": mode.name()});
    if (dialect, mode) == (Dialect::Dtmrs, Mode::Message) {
        if verb == Verb::Prepare {
            body["actions"] = (0..steps).map(|step| format!("http://{branches}/a/{step}")).collect();
            body["payloads"] = (0..steps).map(|_| PAYLOAD).collect();
            body["query_prepared"] = format!("http://{branches}/c/0").into();
        }
        return body;
    }
    if !mode.lists_steps() {
        return body;
    }
    let step = |step| {
        let mut listed = json!({"action": format!("http://{branches}/a/{step}")});
        if dialect == Dialect::Dtmrs {
            listed["payload"] = PAYLOAD.into();
        }
        if mode == Mode::Saga {
            listed["compensate"] = format!("http://{branches}/c/{step}").into();
        }
        listed
    };
    body["steps"] = (0..steps).map(step).collect();
    body["payloads"] = (0..steps).map(|_| PAYLOAD).collect();
    if mode == Mode::Message {
        body["query_prepared"] = format!("http://{branches}/c/0").into();
    }
    body
}

fn registration(branch: u32, branches: SocketAddr) -> Value {
    json!({
        "trans_type": "tcc",
        "branch_id": format!("{:02}", branch + 1),
        "confirm": format!("http://{branches}/a/{branch}"),
        "cancel": format!("http://{branches}/c/{branch}"),
        "data": PAYLOAD,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_a_submit_is_what_clients_send() {
        let requests = http_requests(Dialect::Dtm, Mode::Saga, 2, "127.0.0.1:80".parse().unwrap());
        let [submit] = &*requests else { panic!("{requests:?}") };
        assert_eq!(submit.path, "/api/dtmsvr/submit");
        let body = format!("{{\"gid\":\"g\"{}", submit.after_gid);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["gid"], "g");
        assert_eq!(body["steps"][1]["action"], "http://127.0.0.1:80/a/1");
        assert_eq!(body["payloads"].as_array().unwrap().len(), 2);
        assert_eq!(body["payloads"][0], PAYLOAD);
    }

    #[test]
    fn a_tcc_registers_each_branch_between_prepare_and_submit() {
        let requests = http_requests(Dialect::Dtm, Mode::Tcc, 2, "127.0.0.1:80".parse().unwrap());
        let verbs: Vec<_> = requests.iter().map(|it| it.path.trim_start_matches("/api/dtmsvr/")).collect();
        assert_eq!(verbs, ["prepare", "registerBranch", "registerBranch", "submit"]);
    }

    #[test]
    fn a_message_of_dtmrs_lists_its_actions_once() {
        let requests = http_requests(Dialect::Dtmrs, Mode::Message, 2, "127.0.0.1:80".parse().unwrap());
        let [prepare, submit] = &*requests else { panic!("{requests:?}") };
        assert!(prepare.after_gid.contains("\"actions\":[\"http://127.0.0.1:80/a/0\""), "{prepare:?}");
        assert!(!submit.after_gid.contains("steps") && !submit.after_gid.contains("actions"), "{submit:?}");
    }
}

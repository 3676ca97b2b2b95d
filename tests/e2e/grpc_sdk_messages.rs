//! Messages of existing SDKs, written byte by byte (sdk-wire 4 and 6).

use bytes::Bytes;
use tonic::Code;

use crate::harness::grpc::{framed, raw_call};
use crate::harness::{Branches, Server, both};

/// A message, written field by field.
#[derive(Default, Clone)]
struct Wire(Vec<u8>);

impl Wire {
    fn varint(mut self, mut value: u64) -> Self {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.0.push(low & 0x7f);
                return self;
            }
            self.0.push(low | 0x80);
        }
    }

    fn number(self, field: u64, value: u64) -> Self {
        self.varint(field << 3).varint(value)
    }

    fn bytes(self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let length = u64::try_from(value.len()).unwrap();
        let mut wire = self.varint(field << 3 | 2).varint(length);
        wire.0.extend(value);
        wire
    }

    /// An entry of a map of strings.
    fn entry(self, field: u64, key: &str, value: &str) -> Self {
        let entry = Self::default().bytes(1, key).bytes(2, value);
        self.bytes(field, entry.0)
    }
}

/// Calls a method of the service, and returns the bytes of its answer.
async fn call(server: &Server, method: &str, message: &Wire, metadata: &[(&str, &str)]) -> Bytes {
    let path = format!("/dtmgimp.Dtm/{method}");
    let reply = raw_call(server.grpc_port(), &path, metadata, framed(&message.0)).await;
    assert_eq!(reply.http_status, 200, "{reply:?}");
    assert_eq!(reply.status().code(), Code::Ok, "{method}: {reply:?}");
    reply.body.slice(5..)
}

async fn run_tcc(server: &Server, branches: &Branches, gid: &str, global: &Wire, metadata: &[(&str, &str)]) {
    call(server, "Prepare", global, metadata).await;
    let branch = Wire::default()
        .bytes(1, gid)
        .bytes(2, "tcc")
        .bytes(3, "01")
        .entry(5, "confirm", &branches.url("/confirm"))
        .entry(5, "cancel", &branches.url("/cancel"))
        .bytes(6, br#"{"amount":30}"#);
    call(server, "RegisterBranch", &branch, metadata).await;
    call(server, "Submit", global, metadata).await;
    assert_eq!(server.end_of(gid).await.status(), "succeed");
}

#[tokio::test]
async fn a_tcc_of_the_node_sdk_with_its_old_field_of_options() {
    // behaviour 44, sdk-wire 4: names of headers in field 4, which has no meaning any more; metadata of the caller
    let (server, branches) = both().await;
    let reply = call(&server, "NewGid", &Wire::default(), &[]).await;
    let gid = String::from_utf8(reply[2..].to_vec()).unwrap();
    let options = Wire::default().bytes(4, "authorization").bytes(4, "x-trace");
    let global = Wire::default().bytes(1, &gid).bytes(2, "tcc").bytes(3, options.0);
    let metadata = [("authorization", "secret"), ("user-agent", "grpc-node-js/1.6.7")];
    run_tcc(&server, &branches, &gid, &global, &metadata).await;
    // Decision: metadata of a request stays with it; what branches shall get stands in BranchHeaders (behaviour 105).
    assert_eq!(branches.calls_of("/confirm")[0].header("authorization"), "");
}

#[tokio::test]
async fn a_tcc_of_the_csharp_sdk_with_empty_texts_and_a_deadline() {
    // behaviour 44, sdk-wire 6
    let (server, branches) = both().await;
    let options = Wire::default().number(1, 0).number(2, 0).number(3, 0).number(6, 0).number(7, 0);
    let global = Wire::default()
        .bytes(1, "cs")
        .bytes(2, "tcc")
        .bytes(3, options.0)
        .bytes(4, "")
        .bytes(6, "")
        .bytes(7, "")
        .bytes(9, "");
    let metadata =
        [("grpc-timeout", "10S"), ("user-agent", "grpc-dotnet/2.52.0 (.NET 8.0.0; CLR 8.0.0; net8.0)")];
    run_tcc(&server, &branches, "cs", &global, &metadata).await;
}

#[tokio::test]
async fn fields_that_nobody_knows_are_ignored_everywhere() {
    // behaviour 44
    let (server, branches) = both().await;
    let strange = |wire: Wire| wire.number(90, 7).bytes(91, "text").bytes(92, [0xff; 300]);
    let options = strange(Wire::default().number(1, 1));
    let steps = format!(r#"[{{"action":"{}","compensate":""}}]"#, branches.url("/a"));
    let global = Wire::default()
        .bytes(1, "u")
        .bytes(2, "saga")
        .bytes(3, options.0)
        .bytes(5, "payload")
        .bytes(7, steps);
    call(&server, "Submit", &strange(global), &[]).await;
    assert_eq!(server.query("u").await.status(), "succeed");
    assert_eq!(branches.calls()[0].text(), "payload");
}

#[tokio::test]
async fn a_number_where_a_text_belongs_is_refused_and_stores_nothing() {
    let (server, _) = both().await;
    for (what, message) in [
        ("gid", Wire::default().number(1, 5).bytes(2, "tcc")),
        ("req_extra", Wire::default().bytes(1, "g").bytes(2, "tcc").number(8, 1)),
        (
            "value of req_extra",
            Wire::default().bytes(1, "g").bytes(2, "tcc").bytes(8, [0x0a, 1, b'k', 0x10, 1]),
        ),
        ("not UTF-8", Wire::default().bytes(1, [0xff, 0xfe]).bytes(2, "tcc")),
        ("cut off", Wire(vec![0x0a, 0x50, b'g'])),
    ] {
        let reply = raw_call(server.grpc_port(), "/dtmgimp.Dtm/Prepare", &[], framed(&message.0)).await;
        let status = reply.status();
        assert_eq!(status.code(), Code::Internal, "{what}: {status:?}");
        assert!(status.message().contains("DtmRequest") || what == "cut off", "{what}: {status:?}");
    }
    assert_eq!(server.get("/api/dtmsvr/all").await.body, r#"{"next_position":"","transactions":[]}"#);
}

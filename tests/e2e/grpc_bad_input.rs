//! Messages that no gRPC client should send: each has a decided answer and stores nothing.

use bytes::{BufMut, Bytes, BytesMut};
use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTopicRequest};
use prost::Message;
use tonic::Code;

use crate::harness::grpc::{SUBMIT, assert_unharmed, framed, raw_call, refused, tcc};
use crate::harness::{Server, Settings};

#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted_and_names_the_setting() {
    let server = Settings::default().with("MAX_REQUEST_BYTES", 100_000).start().await;
    let mut grpc = server.grpc();
    let large = DtmRequest { rollback_reason: "x".repeat(100_000), ..tcc("g") };
    let answer = refused(grpc.prepare(large).await);
    assert_eq!(answer.code, Code::ResourceExhausted, "{answer:?}");
    assert!(answer.message.contains("100000 bytes (setting MaxRequestBytes)"), "{answer:?}");
    // The same connection goes on.
    assert_unharmed(&server).await;
    grpc.prepare(tcc("again")).await.unwrap();
}

#[tokio::test]
async fn a_length_of_four_gibibytes_is_refused_before_anything_is_reserved_for_it() {
    let server = Server::start().await;
    let before = server.peak_memory();
    for _ in 0..20 {
        let reply =
            raw_call(server.grpc_port(), SUBMIT, &[], Bytes::from_static(b"\0\xff\xff\xff\xffabc")).await;
        assert_eq!(reply.status().code(), Code::ResourceExhausted, "{reply:?}");
    }
    assert!(server.peak_memory() < before + (64 << 20));
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn a_message_of_many_tiny_entries_is_refused_before_they_take_memory() {
    let server = Server::start().await;
    let before = server.peak_memory();
    let payloads = DtmRequest { bin_payloads: vec![Vec::new(); 4_000_000], ..tcc("g") };
    let entries = (0..500_000).map(|number| (format!("{number:x}"), String::new()));
    let extra = DtmRequest { req_extra: entries.collect(), ..tcc("g") };
    for message in [payloads, extra] {
        let answer = refused(server.grpc().submit(message).await);
        assert_eq!(answer.code, Code::InvalidArgument, "{answer:?}");
        assert!(answer.message.contains("100000 entries"), "{answer:?}");
    }
    let grown = (server.peak_memory() - before) >> 20;
    assert!(grown < 80, "{grown} MiB more for 8 MiB of request");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn what_is_no_single_whole_message_is_refused() {
    let server = Server::start().await;
    let whole = framed(&tcc("g").encode_to_vec());
    let cut = whole.slice(..whole.len() - 1);
    let mut twice = BytesMut::from(&*whole);
    twice.put(whole.clone());
    let mut strange = BytesMut::from(&*whole);
    strange[0] = 7;
    let mut compressed = BytesMut::from(&*whole);
    compressed[0] = 1;
    for (what, body, code) in [
        ("nothing", Bytes::new(), Code::Internal),
        ("half a prefix", Bytes::from_static(b"\0\0"), Code::Internal),
        ("half a message", cut, Code::Internal),
        ("an unknown flag", strange.freeze(), Code::Internal),
        ("a flag of compression without its name", compressed.freeze(), Code::Internal),
    ] {
        let reply = raw_call(server.grpc_port(), "/dtmgimp.Dtm/Prepare", &[], body).await;
        assert_eq!(reply.status().code(), code, "{what}: {reply:?}");
    }
    assert_unharmed(&server).await;
    let gzip = [("grpc-encoding", "gzip")];
    let reply = raw_call(server.grpc_port(), "/dtmgimp.Dtm/Prepare", &gzip, whole).await;
    assert_eq!(reply.status().code(), Code::Unimplemented, "{reply:?}");
    assert!(!server.query("g").await.exists());
}

#[tokio::test]
async fn garbage_in_the_steps_names_the_field() {
    // behaviour 44
    let server = Server::start().await;
    let mut grpc = server.grpc();
    for (steps, words) in [
        ("{", "Steps is not usable JSON"),
        ("[{\"action\":1}]", "Steps[0].action"),
        ("{\"action\":\"http://a\"}", "Steps must be a list"),
        ("[[]]", "Steps[0]"),
        ("\u{0}", "Steps is not usable JSON"),
    ] {
        let request = DtmRequest { trans_type: "saga".to_owned(), steps: steps.to_owned(), ..tcc("g") };
        for answer in [refused(grpc.submit(request.clone()).await), refused(grpc.prepare(request).await)] {
            assert_eq!(answer.code, Code::InvalidArgument, "{steps}: {answer:?}");
            assert!(answer.message.contains(words), "{steps}: {answer:?}");
        }
    }
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn branches_and_topics_that_cannot_be_are_refused_by_name() {
    // decision 14
    let server = Server::start().await;
    let mut grpc = server.grpc();
    let register = |id: &str, data: &[(&str, &str)]| DtmBranchRequest {
        gid: "good".to_owned(),
        trans_type: "tcc".to_owned(),
        branch_id: id.to_owned(),
        data: data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..DtmBranchRequest::default()
    };
    assert_unharmed(&server).await;
    for (request, words) in [
        (register("", &[]), "branch_id"),
        (register("01", &[("confirm", "http://host:port/")]), "port"),
        (register("01", &[("cancel", "http://a\n")]), "control"),
        (DtmBranchRequest { gid: String::new(), ..register("01", &[]) }, "gid is empty"),
    ] {
        let answer = refused(grpc.register_branch(request).await);
        assert_eq!(answer.code, Code::InvalidArgument, "{answer:?}");
        assert!(answer.message.contains(words), "{answer:?}");
    }
    assert!(server.query("good").await.branches().is_empty());
    let long = DtmTopicRequest {
        topic: "news".to_owned(),
        url: format!("http://a/{}", "x".repeat(9_000)),
        remark: String::new(),
    };
    assert_eq!(refused(grpc.subscribe(long).await).code, Code::InvalidArgument);
}

//! The generated code in `src/gen` is what `proto/` says, and that of an example is what its own file says.
//!
//! To update it: `DTM_UPDATE_GENERATED=1 cargo test -p dtm-proto --test generated`

#![cfg(test)]

use std::fs;
use std::path::Path;

use prost::Message;
use tempfile::TempDir;

/// Each file, and the folder that it is checked in to.
const FILES: [(&str, &str); 4] = [
    ("src/gen", "dtmgimp.rs"),
    ("src/gen", "workflow.rs"),
    ("src/gen", "dtmgimp.binpb"),
    ("../../examples/saga_grpc/gen", "bank.rs"),
];

#[test]
fn the_generated_code_is_current() {
    // design/style.md, habit 24: users need no protoc, and reviewers see the change
    let fresh = TempDir::new().unwrap();
    generate(fresh.path());
    example(fresh.path());
    for (folder, file) in FILES {
        let fresh = fs::read(fresh.path().join(file)).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(file);
        if is_update() {
            fs::write(&path, fresh).unwrap();
            continue;
        }
        let present = fs::read(&path).unwrap_or_else(|error| format!("not readable: {error}").into());
        assert!(
            present == fresh,
            "{folder}/{file} is not what its .proto file says; run \
             DTM_UPDATE_GENERATED=1 cargo test -p dtm-proto --test generated"
        );
    }
}

fn generate(folder: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let descriptors = protox::compile(["dtmgimp.proto", "workflow.proto"], [&sources]).unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        // As in the requests that they become, and no work for whoever chooses keys with the same hash.
        .btree_map(".")
        .codec_path("crate::grpc::Codec")
        .out_dir(folder)
        .compile_fds(descriptors)
        .unwrap();
    let mut served = protox::compile(["dtmgimp.proto"], [&sources]).unwrap();
    for file in &mut served.file {
        file.source_code_info = None;
    }
    fs::write(folder.join("dtmgimp.binpb"), served.encode_to_vec()).unwrap();
}

/// As `tonic_prost_build::compile_protos` does, with the server alone.
fn example(folder: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/saga_grpc");
    let descriptors = protox::compile(["bank.proto"], [&sources]).unwrap();
    tonic_prost_build::configure().build_client(false).out_dir(folder).compile_fds(descriptors).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test tool; no product code reads it")]
fn is_update() -> bool {
    std::env::var_os("DTM_UPDATE_GENERATED").is_some_and(|value| value == "1")
}

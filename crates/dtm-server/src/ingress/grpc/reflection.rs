//! Server reflection: tools such as grpcurl ask which services there are.

use dtm_proto::grpc::FILE_DESCRIPTOR_SET;
use tonic_health::pb::FILE_DESCRIPTOR_SET as HEALTH_DESCRIPTOR_SET;
use tonic_reflection::server::Builder;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};
use tonic_reflection::server::v1alpha;

/// The longest question in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// The present version of the protocol.
pub(super) fn v1() -> Result<ServerReflectionServer<impl ServerReflection>, tonic_reflection::server::Error> {
    Ok(builder().build_v1()?.max_decoding_message_size(MESSAGE_BYTES_MAX))
}

/// The version that older tools ask for.
pub(super) fn v1_alpha()
-> Result<v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection>, tonic_reflection::server::Error> {
    Ok(builder().build_v1alpha()?.max_decoding_message_size(MESSAGE_BYTES_MAX))
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(HEALTH_DESCRIPTOR_SET)
}

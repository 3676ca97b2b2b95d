//! The API as tools ask for it by reflection.

/// `dtmgimp.proto` and what it imports, as an encoded `FileDescriptorSet`, without comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("../gen/dtmgimp.binpb");

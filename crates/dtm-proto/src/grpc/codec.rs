//! How messages are read: as prost does it, but not with more entries than a request may have.

use std::fmt;
use std::marker::PhantomData;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use super::dtmgimp::{DtmBranchRequest, DtmGidReply, DtmProgressesReply, DtmRequest, DtmTopicRequest};
use super::workflow::WorkflowData;

/// Fields of one message that are read at most, as over HTTP. An empty payload is two bytes on the wire and fifty
/// in memory.
const ENTRIES_MAX: usize = 100_000;

/// Writes `T` and reads `U`.
pub struct Codec<T, U>(PhantomData<fn(T) -> U>);

/// A message of this API.
pub trait Known: Message + Default {
    /// The message in it that has a list or map of its own.
    const NESTED: Option<u32> = None;
}

impl Known for DtmRequest {
    /// `TransOptions`, which has `BranchHeaders`.
    const NESTED: Option<u32> = Some(3);
}

impl Known for () {}
impl Known for DtmBranchRequest {}
impl Known for DtmGidReply {}
impl Known for DtmProgressesReply {}
impl Known for DtmTopicRequest {}
impl Known for WorkflowData {}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Known + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> BoundedDecoder<U> {
        BoundedDecoder(PhantomData)
    }
}

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> fmt::Debug for Codec<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

/// Reads `U`.
pub struct BoundedDecoder<U>(PhantomData<fn() -> U>);

impl<U: Known> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let bytes: &[u8] = prost::bytes::Buf::chunk(source);
        // A field takes two bytes at least, so nearly no message is looked at twice.
        if bytes.len() > 2 * ENTRIES_MAX && entries(bytes, U::NESTED) > ENTRIES_MAX {
            let message = format!("the request message has more than {ENTRIES_MAX} entries");
            return Err(Status::invalid_argument(message));
        }
        U::decode(source).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<U> fmt::Debug for BoundedDecoder<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoundedDecoder")
    }
}

/// How many fields a message has, those of one message in it included; counts no further than need be, and up to
/// the first error, which whoever decodes reports.
fn entries(mut bytes: &[u8], nested: Option<u32>) -> usize {
    let mut count = 0;
    while count <= ENTRIES_MAX
        && let Ok((tag, wire_type)) = decode_key(&mut bytes)
    {
        count += 1;
        if wire_type != WireType::LengthDelimited {
            if skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).is_err() {
                break;
            }
            continue;
        }
        let length = decode_varint(&mut bytes).ok().and_then(|length| usize::try_from(length).ok());
        let Some((field, rest)) = length.and_then(|length| bytes.split_at_checked(length)) else { break };
        if nested == Some(tag) {
            count += entries(field, None);
        }
        bytes = rest;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::dtmgimp::DtmTransOptions;
    use super::*;

    fn count(message: &DtmRequest) -> usize {
        entries(&message.encode_to_vec(), DtmRequest::NESTED)
    }

    #[test]
    fn payloads_and_entries_of_maps_count_one_each() {
        let text = |number: usize| (number.to_string(), String::new());
        let options = DtmTransOptions {
            wait_result: true,
            branch_headers: (0..7).map(text).collect(),
            ..DtmTransOptions::default()
        };
        let message = DtmRequest {
            gid: "\u{1a}\u{1a}\u{1a}".to_owned(), // would be fields if it were read as a message
            bin_payloads: vec![Vec::new(); 5],
            req_extra: (0..3).map(text).collect(),
            trans_options: Some(options),
            ..DtmRequest::default()
        };
        assert_eq!(count(&message), 1 + 5 + 3 + (1 + 1 + 7));
    }

    #[test]
    fn what_does_not_decode_is_counted_up_to_the_error_and_the_count_ends_over_the_limit() {
        assert_eq!(entries(b"\x2a\x00\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None), 2);
        assert_eq!(entries(b"\x2a\x05ab", None), 1);
        assert_eq!(entries(b"", None), 0);
        let many = DtmRequest { bin_payloads: vec![Vec::new(); 3 * ENTRIES_MAX], ..DtmRequest::default() };
        assert_eq!(count(&many), ENTRIES_MAX + 1);
    }
}

//! Typed values in the bytes of the wire: JSON, where `null` is no bytes at all, as Go's SDK writes `nil`.

use serde::Serialize;
use serde::de::DeserializeOwned;

const NULL: &[u8] = b"null";

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let bytes = serde_json::to_vec(value)?;
    Ok(if bytes == NULL { Vec::new() } else { bytes })
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(if bytes.is_empty() { NULL } else { bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_bytes_and_everything_else_is_json() {
        assert_eq!(encode(&()).unwrap(), b"");
        assert_eq!(encode(&None::<u8>).unwrap(), b"");
        assert_eq!(encode("null").unwrap(), br#""null""#);
        assert_eq!(encode(&[1, 2]).unwrap(), b"[1,2]");
        decode::<()>(b"").unwrap();
        assert_eq!(decode::<Option<u8>>(b"").unwrap(), None);
        assert_eq!(decode::<Vec<u8>>(b"[1,2]").unwrap(), [1, 2]);
        decode::<u8>(b"").unwrap_err();
    }
}

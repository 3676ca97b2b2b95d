//! How long a client waits: the header `grpc-timeout`.

use std::time::Duration;

use http::HeaderMap;
use tonic::Status;

/// The time that the client gives the whole call; `None` when it sets no limit.
///
/// # Errors
/// When the header is not of the form that gRPC prescribes: 1 to 8 digits and a unit.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(parse);
    let refused =
        || Status::invalid_argument("grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n");
    parsed.map(Some).ok_or_else(refused)
}

/// What is answered when it has passed.
pub(super) fn passed() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed; if it was stored it goes on: query it")
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(text: &str) -> Result<Option<Duration>, Status> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_str(text).unwrap());
        of(&headers)
    }

    #[test]
    fn every_unit_is_read_and_nothing_else() {
        assert_eq!(of(&HeaderMap::new()).unwrap(), None);
        for (text, expected) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("10S", Duration::from_secs(10)),
            ("99999999m", Duration::from_millis(99_999_999)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(read(text).unwrap(), Some(expected), "{text}");
        }
        for text in ["", "S", "10", "10s", "+1S", "-1S", "1.5S", "123456789S", "1 S", "10SS"] {
            assert_eq!(read(text).unwrap_err().code(), tonic::Code::InvalidArgument, "{text}");
        }
    }
}

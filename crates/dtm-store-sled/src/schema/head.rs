//! The head of a transaction: everything that claims, filters and comparisons look at.

use dtm_core::model::{Gid, Mode, Status, Timestamp};
use dtm_store::precondition::Head;
use dtm_store::{Epoch, NodeName, OwnerToken, Ownership};

/// A head with what never changes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) gid: Gid,
    pub(crate) mode: Mode,
    /// As the definition says.
    pub(crate) created_at: Timestamp,
    /// By the clock of the store; never decreases from one number to the next.
    pub(crate) recorded_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) head: Head,
}

/// Stands for "no time". No clock shows it.
const NEVER: u64 = u64::MAX;

impl Row {
    /// The bytes of the head. Behind it come a definition of `definition` bytes, and the state.
    pub(crate) fn to_bytes(&self, definition: usize) -> Vec<u8> {
        let Head { status, owner, registered, due } = &self.head;
        let node = owner.token.node.as_str().as_bytes();
        let gid = self.gid.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(64 + node.len() + gid.len());
        bytes.push(status_to_byte(*status));
        bytes.push(mode_to_byte(self.mode));
        bytes.push(u8::from(owner.held));
        let millis = |time: Option<Timestamp>| time.map_or(NEVER, Timestamp::as_millis);
        for number in [
            millis(*due),
            *registered as u64,
            self.created_at.as_millis(),
            self.recorded_at.as_millis(),
            millis(self.finished_at),
            owner.token.epoch.0,
            owner.token.counter,
            definition as u64,
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for text in [node, gid] {
            // at most 64 and 255 bytes, by the rules for their names
            bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(text);
        }
        bytes
    }
}

/// The JSON behind a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts<'a> {
    /// The definition; empty when it has an entry of its own.
    pub(crate) definition: &'a str,
    pub(crate) state: &'a str,
}

/// Splits the body of a state into its head and the JSON behind it. The error says what is wrong.
pub(crate) fn split_row(body: &[u8]) -> Result<(Row, Texts<'_>), String> {
    let mut reader = Reader(body);
    let status = status_from_byte(reader.byte()?)?;
    let mode = mode_from_byte(reader.byte()?)?;
    let held = match reader.byte()? {
        0 => false,
        1 => true,
        other => return Err(format!("held is {other}")),
    };
    let due = time(reader.number()?);
    let registered = usize::try_from(reader.number()?).map_err(|_| "too many branches".to_owned())?;
    let created_at = Timestamp::from_millis(reader.number()?);
    let recorded_at = Timestamp::from_millis(reader.number()?);
    let finished_at = time(reader.number()?);
    let epoch = Epoch(reader.number()?);
    let counter = reader.number()?;
    let definition =
        usize::try_from(reader.number()?).map_err(|_| "the definition is too long".to_owned())?;
    let node = NodeName::parse(reader.text()?).map_err(|error| error.to_string())?;
    let gid = Gid::parse(reader.text()?).map_err(|error| error.to_string())?;
    let definition = reader.text_of(definition)?;
    let state = reader.text_of(reader.0.len())?;
    let owner = Ownership { token: OwnerToken { node, epoch, counter }, held };
    let head = Head { status, owner, registered, due };
    Ok((Row { gid, mode, created_at, recorded_at, finished_at, head }, Texts { definition, state }))
}

fn time(millis: u64) -> Option<Timestamp> {
    (millis != NEVER).then(|| Timestamp::from_millis(millis))
}

const fn status_to_byte(status: Status) -> u8 {
    match status {
        Status::Prepared => b'p',
        Status::Submitted => b's',
        Status::Aborting => b'a',
        Status::Succeed => b'S',
        Status::Failed => b'F',
    }
}

fn status_from_byte(byte: u8) -> Result<Status, String> {
    Status::ALL
        .into_iter()
        .find(|status| status_to_byte(*status) == byte)
        .ok_or_else(|| format!("there is no status {byte}"))
}

const fn mode_to_byte(mode: Mode) -> u8 {
    match mode {
        Mode::Saga => b's',
        Mode::Tcc => b't',
        Mode::Xa => b'x',
        Mode::Message => b'm',
        Mode::Workflow => b'w',
    }
}

fn mode_from_byte(byte: u8) -> Result<Mode, String> {
    Mode::ALL
        .into_iter()
        .find(|mode| mode_to_byte(*mode) == byte)
        .ok_or_else(|| format!("there is no mode {byte}"))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| "the head ends too early".to_owned())?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_be_bytes(bytes))
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.byte()?;
        self.text_of(usize::from(length))
    }

    fn text_of(&mut self, length: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_bytes_and_half_a_head_is_refused() {
        for (status, due, gid) in [
            (Status::Prepared, Some(Timestamp::from_millis(0)), "订单 1".to_owned()),
            (Status::Succeed, None, "x".repeat(Gid::MAX_BYTES)),
        ] {
            let node = NodeName::parse(&"n".repeat(64)).unwrap();
            let token = OwnerToken { node, epoch: Epoch(7), counter: u64::MAX };
            let row = Row {
                gid: Gid::parse(&gid).unwrap(),
                mode: Mode::Workflow,
                created_at: Timestamp::from_millis(1),
                recorded_at: Timestamp::from_millis(2),
                finished_at: due,
                head: Head { status, owner: Ownership { token, held: true }, registered: 1_100, due },
            };
            let mut bytes = row.to_bytes(2);
            bytes.extend_from_slice(b"[]");
            for length in 0..bytes.len() {
                assert!(split_row(&bytes[..length]).is_err(), "{length}");
            }
            bytes.extend_from_slice(b"{}");
            let texts = Texts { definition: "[]", state: "{}" };
            assert_eq!(split_row(&bytes), Ok((row, texts)));
        }
    }
}

//! A scripted DNS server over UDP. Its answers are written byte for byte, after RFC 1035 and RFC 2782.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// A name server. A name without a record does not exist; it can also be told to say nothing at all.
#[derive(Clone)]
pub(crate) struct NameServer {
    address: SocketAddr,
    state: Arc<State>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    A(Ipv4Addr),
    Srv { priority: u16, port: u16, target: &'static str },
}

#[derive(Default)]
struct State {
    records: Mutex<HashMap<(String, u16), Vec<Record>>>,
    silent: Mutex<bool>,
    asked: watch::Sender<usize>,
}

impl NameServer {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        let address = socket.local_addr().expect("a socket has an address");
        let server = Self { address, state: Arc::default() };
        let state = Arc::clone(&server.state);
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut query).await {
                state.asked.send_modify(|count| *count += 1);
                if *state.silent.lock() {
                    continue;
                }
                if let Some(answer) = state.answer(&query[..length]) {
                    socket.send_to(&answer, peer).await.ok();
                }
            }
        });
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, `name` has these records, all of one kind.
    pub(crate) fn set(&self, name: &str, records: impl IntoIterator<Item = Record>) {
        let records: Vec<Record> = records.into_iter().collect();
        let kind = records.first().map_or(A, Record::kind);
        self.state.records.lock().insert((name.to_owned(), kind), records);
    }

    /// From now on, no question is answered.
    pub(crate) fn fall_silent(&self) {
        *self.state.silent.lock() = true;
    }

    /// Waits until another question came.
    pub(crate) async fn asked_again(&self) {
        let mut asked = self.state.asked.subscribe();
        timeout(PATIENCE, asked.changed()).await.expect("somebody asks").expect("the server lives");
    }
}

impl State {
    /// The header, the question again, and the answers: names point to the question.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = name_at(query, HEADER_BYTES)?;
        let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
        let question = query.get(HEADER_BYTES..end + 4)?;
        let records = self.records.lock();
        let exists = records.keys().any(|(known, _)| *known == name);
        let found = records.get(&(name, kind)).map_or(&[][..], Vec::as_slice);

        let mut answer = query[..2].to_vec();
        let no_such_name = 3;
        // an answer, recursion desired and available
        answer.extend([0x81, if exists { 0x80 } else { 0x80 | no_such_name }]);
        let count = u16::try_from(found.len()).expect("a test has few records");
        for number in [1, count, 0, 0] {
            answer.extend(number.to_be_bytes());
        }
        answer.extend(question);
        for record in found {
            answer.extend([0xc0, 12]);
            answer.extend(record.kind().to_be_bytes());
            answer.extend(INTERNET.to_be_bytes());
            answer.extend(TIME_TO_LIVE.to_be_bytes());
            let data = record.data();
            answer.extend(u16::try_from(data.len()).expect("data is short").to_be_bytes());
            answer.extend(data);
        }
        Some(answer)
    }
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::A(_) => A,
            Self::Srv { .. } => SRV,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::A(address) => address.octets().to_vec(),
            Self::Srv { priority, port, target } => {
                let weight = 0_u16;
                let mut data: Vec<u8> =
                    [*priority, weight, *port].iter().flat_map(|number| number.to_be_bytes()).collect();
                for label in target.split('.') {
                    data.push(u8::try_from(label.len()).expect("labels are short"));
                    data.extend(label.as_bytes());
                }
                data.push(0);
                data
            }
        }
    }
}

/// The name at a position without pointers, in lower case, and where it ends.
fn name_at(query: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
}

const HEADER_BYTES: usize = 12;
const A: u16 = 1;
const SRV: u16 = 33;
const INTERNET: u16 = 1;
/// Seconds.
const TIME_TO_LIVE: u32 = 1;

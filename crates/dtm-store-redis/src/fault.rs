//! What can go wrong between us and Redis, and what is known about a call then.

use dtm_store::Error;
use redis::{RedisError, ServerError};

/// Why a call brought no result.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Another server has the slot. Nothing was changed.
    Moved(String),
    /// Another server is taking the slot over, and may have these keys already. Nothing was changed.
    Asked(String),
    /// The server does not know the script. Nothing was changed.
    NoScript,
    /// It is starting, its slot is being moved, the cluster has no master for it, or nobody listens there. Nothing was
    /// changed, and the same may succeed in a moment.
    Later(String),
    /// Redis is in trouble (full, read-only, without a right). Nothing was changed.
    Trouble(String),
    /// A key has another type than ours have. No record was changed.
    WrongType(String),
    /// The connection was lost, or the answer did not come in time: nobody knows.
    Lost(String),
    /// The store is closed.
    Closed,
}

impl Fault {
    /// Whether it certainly was not executed, and the same may succeed in a moment.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Moved(_) | Self::Asked(_) | Self::NoScript | Self::Later(_))
    }

    /// The error of a call.
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Moved(to) | Self::Asked(to) => Error::Unavailable(format!(
                "Redis sends us from server to server, at last to {to}: check the cluster"
            )),
            Self::NoScript => {
                Error::Unavailable("Redis forgets our scripts as soon as they are loaded".to_owned())
            }
            Self::Later(detail) | Self::Trouble(detail) | Self::WrongType(detail) | Self::Lost(detail) => {
                Error::Unavailable(detail)
            }
            Self::Closed => Error::Closed,
        }
    }
}

/// What it means that a call was answered by this error. Redis checks before it executes, and a script's first write
/// is refused before anything is changed.
pub(crate) fn reported(error: &ServerError) -> Fault {
    let text = error.details().unwrap_or("");
    let code = error.code();
    let trouble = |what_to_do: &str| Fault::Trouble(format!("Redis: {code} {text}; {what_to_do}"));
    match code {
        "MOVED" | "ASK" => match text.split_whitespace().nth(1) {
            Some(to) if code == "MOVED" => Fault::Moved(to.to_owned()),
            Some(to) => Fault::Asked(to.to_owned()),
            None => trouble("it names no other server"),
        },
        "NOSCRIPT" => Fault::NoScript,
        "TRYAGAIN" => Fault::Later("a slot of the Redis cluster is being moved".to_owned()),
        "CLUSTERDOWN" => Fault::Later(format!("the Redis cluster is down ({text}): check its masters")),
        "LOADING" => Fault::Later("Redis is starting: it is reading its data".to_owned()),
        "MASTERDOWN" => Fault::Later(format!("Redis is a replica without a master ({text})")),
        "OOM" => {
            trouble("its memory is full: raise maxmemory, or shorten the retention of finished transactions")
        }
        "READONLY" => trouble("it is a replica: point the store at the master"),
        "MISCONF" => trouble("it cannot write to its disk: check space and rights there"),
        "NOREPLICAS" => trouble("it has fewer replicas than min-replicas-to-write asks for"),
        "BUSY" => trouble("a script blocks it"),
        "NOAUTH" | "WRONGPASS" => trouble("check user and password of the store"),
        "NOPERM" => {
            trouble("grant the store's user all keys under its prefix, and the commands that it lacks")
        }
        "WRONGTYPE" => Fault::WrongType(format!(
            "Redis: {code} {text}; a key under the prefix of the store has another type: another program uses it"
        )),
        _ => trouble("see the log of Redis"),
    }
}

/// What it means that a connection brought this error instead of answers.
pub(crate) fn broken(place: &str, error: &RedisError) -> Fault {
    if error.is_timeout() {
        return Fault::Lost(format!("Redis at {place} did not answer in time"));
    }
    Fault::Lost(format!("the connection to Redis at {place} was lost: {error}"))
}

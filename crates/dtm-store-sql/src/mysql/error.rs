//! What becomes of an error of MariaDB or MySQL, and what is known about the statement then.

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use crate::fault::Fault;

/// The row is there already.
const DUPLICATE: u16 = 1062;

/// A column is not to be null. This is how statements of ours say that a row is not as they expect it.
const NULL: u16 = 1048;

/// What an error of a statement means. An error that the server reports says that the statement changed nothing; whoever
/// has begun a transaction takes back the rest of it.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Database(error) => match error.try_downcast::<MySqlDatabaseError>() {
            Ok(error) => reported(&error),
            Err(error) => Fault::Trouble(format!("MariaDB/MySQL: {error}")),
        },
        Error::Io(error) => Fault::Lost(format!("the connection to MariaDB/MySQL was lost: {error}")),
        Error::Tls(error) => Fault::Lost(format!("TLS to MariaDB/MySQL failed: {error}")),
        Error::Protocol(detail) => Fault::Lost(format!("MariaDB/MySQL sent what was not expected: {detail}")),
        other => Fault::Trouble(format!("an answer of MariaDB/MySQL cannot be read: {other}")),
    }
}

/// The number of the error, when it is one of the server.
pub(super) fn number(error: &Error) -> Option<u16> {
    match error {
        Error::Database(error) => {
            error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
        }
        _ => None,
    }
}

fn reported(error: &MySqlDatabaseError) -> Fault {
    let (number, text) = (error.number(), error.message());
    let trouble =
        |what_to_do: &str| Fault::Trouble(format!("MariaDB/MySQL: {text} ({number}); {what_to_do}"));
    match number {
        DUPLICATE => Fault::Duplicate,
        NULL => Fault::Mismatch,
        // dead-lock; record changed since last read
        1213 | 1020 => Fault::Contended(format!("{text}, {number}")),
        // shutting down, connection killed, query interrupted by it, server gone, lost in the middle
        1053 | 1317 | 1927 | 2006 | 2013 | 1152 | 1159 | 1161 | 4031 => {
            Fault::Lost(format!("MariaDB/MySQL ended the connection: {text} ({number})"))
        }
        1290 | 1792 | 1836 => trouble("it is read-only: point the store at the primary"),
        1044 | 1142 | 1143 | 1370 => {
            trouble("grant the server's user SELECT, INSERT, UPDATE and DELETE on the tables dtm_*")
        }
        1146 | 1054 => {
            trouble("a table was changed or removed: start the server again, it makes what is missing")
        }
        1021 | 1114 | 1030 => trouble("its disk is full"),
        1040 | 1203 | 1226 => trouble("raise max_connections, or lower the connections of this store"),
        1205 | 1969 | 3024 => {
            trouble("a statement took longer than it may: check locks and load of the database")
        }
        1153 | 1406 | 1366 | 1264 | 1301 => Fault::Content(format!("MariaDB/MySQL: {text} ({number})")),
        _ => trouble("see the log of the database"),
    }
}

//! What becomes of an error of PostgreSQL, and what is known about the statement then.

use sqlx::Error;
use sqlx::error::DatabaseError;

use crate::fault::Fault;

/// What an error of a statement means. Each statement, or the commit of several, is one transaction: an error that
/// the server reports says that it was rolled back, with few exceptions.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Database(error) => reported(&*error),
        Error::Io(error) => Fault::Lost(format!("the connection to PostgreSQL was lost: {error}")),
        Error::Tls(error) => Fault::Lost(format!("TLS to PostgreSQL failed: {error}")),
        Error::Protocol(detail) => Fault::Lost(format!("PostgreSQL sent what was not expected: {detail}")),
        other => Fault::Trouble(format!("an answer of PostgreSQL cannot be read: {other}")),
    }
}

/// See "Appendix A. PostgreSQL Error Codes" of its manual.
fn reported(error: &dyn DatabaseError) -> Fault {
    let code = error.code().unwrap_or_default();
    let (code, text) = (&*code, error.message());
    let trouble = |what_to_do: &str| Fault::Trouble(format!("PostgreSQL: {text} ({code}); {what_to_do}"));
    match code {
        "40001" | "40P01" | "55P03" => Fault::Contended(format!("{text}, {code}")),
        // the server went away in the middle; it may have committed before that
        "40003" | "57P01" | "57P02" | "57P04" | "57P05" | "25P03" => {
            Fault::Lost(format!("PostgreSQL ended the connection: {text} ({code})"))
        }
        "25006" => trouble("it is read-only: point the store at the primary"),
        "42501" => trouble("grant the server's user SELECT, INSERT, UPDATE and DELETE on the tables dtm_*"),
        "42P01" | "42703" => {
            trouble("a table was changed or removed: start the server again, it makes what is missing")
        }
        "53100" => trouble("its disk is full"),
        "53300" => trouble("raise max_connections, or lower the connections of this store"),
        "57014" => trouble("a statement took longer than it may: check locks and load of the database"),
        "57P03" => trouble("it is starting or stopping"),
        _ => match code.get(..2).unwrap_or("") {
            "08" => Fault::Lost(format!("the connection to PostgreSQL was lost: {text} ({code})")),
            "22" | "23" | "54" => Fault::Content(format!("PostgreSQL: {text} ({code})")),
            _ => trouble("see the log of PostgreSQL"),
        },
    }
}

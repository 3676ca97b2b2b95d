//! What can go wrong between us and a database, and what is known about the statement then.

use std::time::Duration;

use dtm_store::Error;
use rand::Rng as _;

/// Why a statement, or a call of several, brought no result.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The call is refused, as the contract says. Nothing was changed.
    Refused(Error),
    /// A dead-lock or a failed serialisation: rolled back, and the same may succeed at once.
    Contended(String),
    /// A row is there already, and it was not to be. Nothing was changed.
    Duplicate,
    /// A row is not as the statement wants to find it. Nothing was changed.
    Mismatch,
    /// The database does not take this content. Nothing was changed.
    Content(String),
    /// The database is in trouble (read-only, full, without the right, not reachable). Nothing was changed.
    Trouble(String),
    /// The connection was lost, or the answer did not come in time: nobody knows.
    Lost(String),
    /// The store is closed.
    Closed,
}

/// How often a statement is executed that lost against others.
const ATTEMPTS: u32 = 10;

impl Fault {
    /// Whether to execute the same again; waits a random moment before it says so.
    pub(crate) async fn again(&self, attempt: &mut u32) -> bool {
        *attempt += 1;
        let again = matches!(self, Self::Contended(_)) && *attempt < ATTEMPTS;
        if again {
            let most = 2_u64 << (*attempt).min(6);
            let pause = Duration::from_millis(rand::rng().random_range(1..=most));
            tracing::debug!(fault = ?self, attempt, ?pause, "a statement lost against others and is executed again");
            tokio::time::sleep(pause).await;
        }
        again
    }
}

impl Fault {
    /// The error of an operation on `what`.
    pub(crate) fn of(self, what: &str) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Content(detail) => Error::Rejected { what: what.to_owned(), detail },
            Self::Contended(detail) => {
                Error::Unavailable(format!("it lost against others {ATTEMPTS} times ({detail}); try again"))
            }
            Self::Trouble(detail) | Self::Lost(detail) => Error::Unavailable(detail),
            Self::Mismatch => {
                Error::Unavailable(format!("{what} was not as a statement expected it; try again"))
            }
            Self::Duplicate => Error::AlreadyExists(what.to_owned()),
            Self::Closed => Error::Closed,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

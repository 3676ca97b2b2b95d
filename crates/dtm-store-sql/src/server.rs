//! How to talk to one kind of server.

use std::pin::Pin;
use std::time::Duration;

use sqlx::query::Query;

use crate::fault::Fault;

/// A statement with its parameters.
pub(crate) type Statement<'q, S> = Query<'q, S, <S as sqlx::Database>::Arguments>;

/// What something brings that waits for the server.
pub(crate) type Waiting<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// One kind of server.
pub(crate) trait Server: sqlx::Database + Sync {
    /// What messages call it.
    const CALLED: &'static str;

    /// What begins a transaction.
    const BEGIN: &'static str;

    /// Makes a new connection what the store relies on.
    fn set_up(connection: &mut Self::Connection, statement_timeout: Duration) -> Waiting<'_, ()>;

    /// Executes a statement and reads its answer to the end.
    fn fetch<'a>(
        connection: &'a mut Self::Connection,
        statement: Statement<'a, Self>,
    ) -> Waiting<'a, Vec<Self::Row>>;

    /// Executes a statement and says how many rows it has changed, or found as it wants them.
    fn change<'a>(connection: &'a mut Self::Connection, statement: Statement<'a, Self>) -> Waiting<'a, u64>;

    /// Executes a statement that the server does not prepare.
    fn run<'a>(connection: &'a mut Self::Connection, statement: &'static str) -> Waiting<'a, ()>;

    /// What an error of a statement means.
    fn fault(error: sqlx::Error) -> Fault;

    /// Whether a server that cannot be had now may be there in a moment.
    fn may_pass(error: &sqlx::Error) -> bool;

    /// Whether the server on the other end takes no writes: another one may do so meanwhile.
    fn is_read_only(error: &sqlx::Error) -> bool;

    /// What an error means that came before anything was asked for.
    fn connecting(error: sqlx::Error) -> Fault {
        match Self::fault(error) {
            Fault::Lost(detail) => Fault::Trouble(detail),
            other => other,
        }
    }
}

/// Whether a connection failed because the certificate of the server is not to be trusted: trying again does not help.
pub(crate) fn is_mistrust(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

//! A local transaction in a database of sqlx, and then the decision.

use dtm_barrier::sql::SqlDatabase;
use dtm_barrier::{BranchBarrier, Called};
use sqlx::Pool;

use super::Message;
use crate::Error;
use crate::branch::BranchError;

impl Message {
    /// As [`do_and_submit`](Self::do_and_submit), with a transaction of your database: begins it, enters the
    /// barrier, runs the closure, commits, and submits the message. The message is sent if, and only if, the
    /// transaction commits, whatever crashes in between. The back-check at `query_prepared` is yours:
    /// `BranchBarrier::query_prepared` answers it. (Features `mysql`, `postgres`, `sqlite`.)
    ///
    /// ```no_run
    /// # #[cfg(feature = "postgres")]
    /// # async fn example(client: dtm_client::Client, pool: sqlx::PgPool) -> Result<(), dtm_client::Error> {
    /// client
    ///     .message("order-1001")
    ///     .step("http://mail/send", &serde_json::json!({ "order": 1001 }))
    ///     .do_and_submit_db("http://shop/query-prepared", &pool, async |connection| {
    ///         sqlx::query("INSERT INTO orders (id) VALUES (1001)").execute(connection).await?;
    ///         Ok(())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// When a message of the same name is still prepared, and its local transaction has committed (this program
    /// died in between), the closure is not run again, and the message is submitted:
    /// [`Called::NothingToDo`].
    ///
    /// # Errors
    /// As [`do_and_submit`](Self::do_and_submit).
    pub async fn do_and_submit_db<DB, T, F>(
        self,
        query_prepared: impl Into<String>,
        pool: &Pool<DB>,
        closure: F,
    ) -> Result<Called<T>, Error>
    where
        DB: SqlDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
    {
        let message = self.query_prepared(query_prepared);
        let request = message.prepared().await?;
        let barrier = BranchBarrier::of_message(request.gid);
        let mut barrier = barrier.map_err(|error| Error::invalid("gid", error))?;
        let result = barrier.call(pool, closure).await;
        message.decide(&request, result).await
    }
}

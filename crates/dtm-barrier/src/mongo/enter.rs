//! Entering a call in the collection.

use mongodb::bson::{DateTime, Document};
use mongodb::{Client, ClientSession, Collection};

use super::TableName;
use super::document::{document, found, key};
use super::session::{database, not_written};
use crate::entered::{Entered, Inserted, entered};
use crate::row::Row;
use crate::{BarrierError, BranchBarrier, BranchContext, BranchError, origin};

/// The database of a collection whose name has none.
const DATABASE: &str = "dtm_barrier";
const COLLECTION: &str = "barrier";

/// The collection that is used unless another is named.
pub(super) fn usual_table() -> TableName {
    TableName::known(Some(DATABASE), COLLECTION)
}

/// The barrier's collection, and its name for messages.
pub(super) struct Rows {
    collection: Collection<Document>,
    name: String,
}

impl Rows {
    pub(super) fn of(barrier: &BranchBarrier, client: &Client) -> Self {
        let usual = usual_table();
        Self::named(barrier.table().unwrap_or(&usual), client)
    }

    pub(super) fn named(table: &TableName, client: &Client) -> Self {
        let database = client.database(table.schema().unwrap_or(DATABASE));
        let collection = database.collection(table.table());
        Self { name: collection.namespace().to_string(), collection }
    }

    pub(super) const fn collection(&self) -> &Collection<Document> {
        &self.collection
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// First the row of what this call undoes, then its own: whoever undoes keeps out what has not been here yet.
    pub(super) async fn enter(
        &self,
        session: &mut ClientSession,
        context: &BranchContext,
        barrier_id: &str,
    ) -> Result<Entered<()>, BranchError> {
        let origin_is_new = match origin(context.op) {
            None => false,
            Some(origin) => {
                let row = Row::new(context, origin, barrier_id)?;
                matches!(self.insert(session, row).await?, Inserted::New(()))
            }
        };
        let own = self.insert(session, Row::new(context, context.op, barrier_id)?).await?;
        entered(context, origin_is_new, own)
    }

    /// Inserts a row, unless it is there. It is looked for first, because a row that is there would end the transaction; and
    /// who inserts the same at the same moment is told by the unique index.
    pub(super) async fn insert(
        &self,
        session: &mut ClientSession,
        row: Row<'_>,
    ) -> Result<Inserted<()>, BranchError> {
        if let Some(reason) = self.find(session, row).await? {
            return Ok(Inserted::There(reason));
        }
        let inserted = self.collection.insert_one(document(row, DateTime::now())).session(session).await;
        let what = || format!("write the barrier collection {}", self.name);
        inserted.map_err(|error| not_written(what(), error))?;
        Ok(Inserted::New(()))
    }

    /// The reason of a row that may be there.
    pub(super) async fn find(
        &self,
        session: &mut ClientSession,
        row: Row<'_>,
    ) -> Result<Option<String>, BarrierError> {
        let document = self.collection.find_one(key(row)).session(session).await;
        let what = || format!("read the barrier collection {}", self.name);
        let Some(document) = document.map_err(|error| database(&what(), error))? else {
            return Ok(None);
        };
        row.reason_of(&self.name, Some(found(&document))).map(Some)
    }
}

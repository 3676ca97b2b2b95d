//! Making the collection and its index.

use mongodb::bson::Document;
use mongodb::options::IndexOptions;
use mongodb::{Client, IndexModel};

use super::TableName;
use super::document::KEY;
use super::enter::{Rows, usual_table};
use super::session::database;
use crate::BarrierError;

/// Makes the usual collection and its unique index, unless they are there. Many may do so at the same time.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = mongodb::Client::with_uri_str("mongodb://localhost/?replicaSet=rs0").await?;
/// dtm_barrier::mongo::create_index(&client).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`BarrierError::Database`]: no connection, no right to make an index, one that is not unique is there, ...
pub async fn create_index(client: &Client) -> Result<(), BarrierError> {
    create_index_named(client, &usual_table()).await
}

/// Makes a collection of that name and its index, as [`create_index`] does. A name without a database is in `dtm_barrier`.
///
/// # Errors
/// As [`create_index`].
pub async fn create_index_named(client: &Client, table: &TableName) -> Result<(), BarrierError> {
    let rows = Rows::named(table, client);
    let keys: Document = KEY.into_iter().map(|name| (name.to_owned(), 1.into())).collect();
    let options = IndexOptions::builder().unique(true).build();
    let index = IndexModel::builder().keys(keys).options(options).build();
    let made = rows.collection().create_index(index).await;
    made.map_err(|error| database(&format!("make the unique index of {}", rows.name()), error))?;
    Ok(())
}

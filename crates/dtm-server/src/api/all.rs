//! A listing of transactions.

use dtm_core::model::{Gid, State};
use dtm_store::{Cursor, Error, Filter, Listed, Page};

use super::{Api, ApiError, Class};
use crate::runner::RequestError;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllRequest {
    /// Only this one; everything else is ignored then (behaviour 30).
    pub gid: Option<Gid>,
    /// Which ones.
    pub filter: Filter,
    /// Where the last page ended.
    pub position: Option<Cursor>,
    /// How many at most.
    pub limit: usize,
}

/// Transactions, newest first (behaviour 30, 31).
///
/// # Errors
/// [`ApiError`] when the store fails, or when the position is not one of this store.
pub async fn all(api: &Api, request: &AllRequest) -> Result<Page, ApiError> {
    let Some(gid) = &request.gid else {
        let page = api.engine.list(&request.filter, request.position.as_ref(), request.limit).await;
        return page.map_err(of_listing);
    };
    let transactions = api.engine.load(gid).await?.map(|stored| {
        let state: State = stored.transaction.state;
        Listed { definition: stored.transaction.definition, state, owner: stored.owner, due: stored.due }
    });
    Ok(Page { transactions: transactions.into_iter().collect(), next: None })
}

/// A position that no listing has given is the client's mistake.
fn of_listing(error: RequestError) -> ApiError {
    match error {
        RequestError::Store(Error::Rejected { detail, .. }) => {
            ApiError::new(Class::Invalid, format!("position: {detail}"))
        }
        error => error.into(),
    }
}

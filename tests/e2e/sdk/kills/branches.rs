//! What the application serves.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use dtm_barrier::{BranchBarrier, BranchContext, BranchError, BranchOp, BranchResult, Done};
use sqlx::{MySqlConnection, PgConnection};

use super::super::banks::{Bank, Booking, book_mysql, book_postgres};
use super::process::Application;
use super::transfer::Order;

/// A branch behind the barrier, one of XA, and the back-check of messages; `out` and `in` are names for the diary.
pub(super) fn routes(application: Arc<Application>) -> Router {
    Router::new()
        .route("/barrier/{leg}/{bank}", post(behind_the_barrier))
        .route("/xa/{leg}/{bank}", post(in_xa))
        .route("/back-check/{bank}", get(back_check))
        .with_state(application)
}

async fn behind_the_barrier(
    State(application): State<Arc<Application>>,
    Path((leg, bank)): Path<(String, Bank)>,
    barrier: BranchBarrier,
    Json(order): Json<Order>,
) -> BranchResult {
    book(&application, barrier, &leg, bank, order).await
}

/// Books what this operation is about, behind the barrier.
pub(super) async fn book(
    application: &Application,
    mut barrier: BranchBarrier,
    leg: &str,
    bank: Bank,
    order: Order,
) -> BranchResult {
    let context = barrier.context().clone();
    let here = Here { application, context: &context, place: format!("{leg}:{}", context.op), order };
    here.is("arriving");
    match bank {
        Bank::Mysql => {
            let business = async |connection: &mut MySqlConnection| {
                here.is("in-the-business");
                book_mysql(connection, &here.booking(&here.what(leg))).await?;
                here.answer()
            };
            barrier.call(&application.banks.mysql, business).await?;
        }
        Bank::Postgres => {
            let business = async |connection: &mut PgConnection| {
                here.is("in-the-business");
                book_postgres(connection, &here.booking(&here.what(leg))).await?;
                here.answer()
            };
            barrier.call(&application.banks.postgres, business).await?;
        }
    }
    here.is("over");
    Ok(Done)
}

async fn in_xa(
    State(application): State<Arc<Application>>,
    Path((leg, bank)): Path<(String, Bank)>,
    barrier: BranchBarrier,
    body: axum::body::Bytes,
) -> BranchResult {
    let context = barrier.context().clone();
    // The second phase has no payload.
    let order = match context.op {
        BranchOp::Action => serde_json::from_slice(&body)?,
        _ => Order { account: 0, cents: 0, refuses: false },
    };
    let here =
        Here { application: &application, context: &context, place: format!("{leg}:{}", context.op), order };
    here.is("arriving");
    match bank {
        Bank::Mysql => {
            let business = async |connection: &mut MySqlConnection| {
                here.is("in-the-business");
                book_mysql(connection, &here.booking(&here.what(&leg))).await?;
                here.answer()
            };
            application.client.xa_local_transaction(barrier, &application.banks.mysql, business).await?;
        }
        Bank::Postgres => {
            let business = async |connection: &mut PgConnection| {
                here.is("in-the-business");
                book_postgres(connection, &here.booking(&here.what(&leg))).await?;
                here.answer()
            };
            application.client.xa_local_transaction(barrier, &application.banks.postgres, business).await?;
        }
    }
    here.is("over");
    Ok(Done)
}

async fn back_check(
    State(application): State<Arc<Application>>,
    Path(bank): Path<Bank>,
    barrier: BranchBarrier,
) -> BranchResult {
    let gid = barrier.context().gid.clone();
    application.is_at(&gid, "back-check", "arriving");
    let answer = match bank {
        Bank::Mysql => barrier.query_prepared(&application.banks.mysql).await,
        Bank::Postgres => barrier.query_prepared(&application.banks.postgres).await,
    };
    application.is_at(&gid, "back-check", "over");
    answer
}

/// One call of a branch.
struct Here<'a> {
    application: &'a Application,
    context: &'a BranchContext,
    place: String,
    order: Order,
}

impl Here<'_> {
    fn is(&self, point: &str) {
        self.application.is_at(&self.context.gid, &self.place, point);
    }

    fn what(&self, leg: &str) -> String {
        format!("{leg} {}", self.context.op)
    }

    fn booking<'b>(&'b self, what: &'b str) -> Booking<'b> {
        let Order { account, cents, .. } = self.order;
        Booking::of(&self.context.gid, what, self.context.op, account, cents)
    }

    /// Only what can be undone may say no.
    fn answer(&self) -> Result<(), BranchError> {
        let can_refuse = matches!(self.context.op, BranchOp::Action | BranchOp::Try);
        if self.order.refuses && can_refuse {
            return Err(BranchError::roll_back("this account takes nothing"));
        }
        self.is("committing");
        Ok(())
    }
}

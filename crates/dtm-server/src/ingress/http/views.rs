//! Requests that only look.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use dtm_core::model::{Gid, Mode, Status, Timestamp};
use dtm_proto::http::{Envelope, all_body, query_body};
use dtm_store::{Cursor, Filter};

use super::reply::Reply;
use super::routes::Ingress;
use super::verbs::measured;
use crate::api;
use crate::api::{AllRequest, ApiError, Class};

type Shared = State<Arc<Ingress>>;

pub(super) async fn new_gid(ingress: Shared) -> Response {
    measured(&ingress, "newGid", async { Ok(Reply::json(Envelope::new_gid(&api::new_gid()))) }).await
}

pub(super) async fn version(ingress: Shared) -> Response {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    measured(&ingress, "version", async { Ok(Reply::json(Envelope::version(version))) }).await
}

pub(super) async fn ping() -> Response {
    Reply::json(Envelope::ping()).into_response()
}

pub(super) async fn metrics(ingress: Shared) -> Response {
    let mut response = ingress.metrics.render().into_response();
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

pub(super) async fn query(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let gid = query.text("gid").ok_or_else(|| {
            // Behaviour 27.
            ApiError::new(Class::Internal, "no gid specified".to_owned())
        })?;
        let gid = Gid::parse(gid).map_err(ApiError::from)?;
        let stored = api::query(&ingress.api, &gid).await?;
        let owner = stored.as_ref().map(|stored| owner_text(&stored.owner)).unwrap_or_default();
        Ok(Reply::json(query_body(stored.as_ref().map(|stored| (&stored.transaction, owner.as_str())))))
    };
    measured(&ingress, "query", work).await
}

pub(super) async fn all(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let request = all_request(&Query::parse(query.as_deref()))?;
        let page = api::all(&ingress.api, &request).await?;
        let rows: Vec<_> = page
            .transactions
            .iter()
            .map(|listed| (&listed.definition, &listed.state, owner_text(&listed.owner)))
            .collect();
        let rows = rows.iter().map(|(definition, state, owner)| (*definition, *state, owner.as_str()));
        let next = page.next.map(|cursor| cursor.0).unwrap_or_default();
        Ok(Reply::json(all_body(rows, &next)))
    };
    measured(&ingress, "all", work).await
}

pub(super) fn owner_text(owner: &dtm_store::Ownership) -> String {
    if owner.held { owner.token.to_string() } else { String::new() }
}

fn all_request(query: &Query) -> Result<AllRequest, ApiError> {
    let invalid = |message: String| ApiError::new(Class::Invalid, message);
    let gid = query.text("gid").map(Gid::parse).transpose()?;
    let status = query.text("status").map(Status::parse).transpose().map_err(|e| invalid(e.to_string()))?;
    let mode = query.text("transType").map(Mode::parse).transpose().map_err(|e| invalid(e.to_string()))?;
    Ok(AllRequest {
        gid,
        filter: Filter {
            status,
            mode,
            created_from: query.number("createTimeStart")?.map(Timestamp::from_millis),
            created_to: query.number("createTimeEnd")?.map(Timestamp::from_millis),
        },
        position: query.text("position").map(|position| Cursor(position.to_owned())),
        limit: query.limit()?,
    })
}

/// The parameters of a URL. An empty one counts as absent.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The largest number of entries of a page.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        match self.number("limit")?.unwrap_or(100) {
            limit @ 1..=1_000 => Ok(limit),
            limit => {
                let message = format!("limit is {limit}, it must be 1 to 1000");
                Err(ApiError::new(Class::Invalid, message))
            }
        }
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let refused =
            |_| ApiError::new(Class::Invalid, format!("{name} is '{text}', it must be a whole number"));
        text.parse().map(Some).map_err(refused)
    }
}

//! Requests about topics.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;

use dtm_proto::http::{TopicEntry, query_kv_body, scan_kv_body};
use dtm_store::{Cursor, Topic};

use super::reply::Reply;
use super::routes::Ingress;
use super::verbs::{done, measured};
use super::views::Query;
use crate::api;
use crate::api::{ApiError, Class, ScanKv};

type Shared = State<Arc<Ingress>>;

pub(super) async fn subscribe(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let text = |name| query.text(name).unwrap_or_default();
        done(api::subscribe(&ingress.api, text("topic"), text("url"), text("remark")).await)
    };
    measured(&ingress, "subscribe", work).await
}

pub(super) async fn unsubscribe(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let text = |name| query.text(name).unwrap_or_default();
        done(api::unsubscribe(&ingress.api, text("topic"), text("url")).await)
    };
    measured(&ingress, "unsubscribe", work).await
}

pub(super) async fn delete(ingress: Shared, name: Result<Path<String>, PathRejection>) -> Response {
    let work = async {
        let refused = |error: PathRejection| ApiError::new(Class::Invalid, format!("topic: {error}"));
        let Path(name) = name.map_err(refused)?;
        done(api::delete_topic(&ingress.api, &name).await)
    };
    measured(&ingress, "topic", work).await
}

pub(super) async fn query_kv(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let text = |name| query.text(name).unwrap_or_default();
        let topic = api::query_kv(&ingress.api, text("cat"), text("key")).await?;
        Ok(Reply::json(query_kv_body(topic.as_ref().map(entry).as_ref())))
    };
    measured(&ingress, "queryKV", work).await
}

pub(super) async fn scan_kv(ingress: Shared, RawQuery(query): RawQuery) -> Response {
    let work = async {
        let query = Query::parse(query.as_deref());
        let request = ScanKv {
            category: query.text("cat").unwrap_or_default().to_owned(),
            position: query.text("position").map(|position| Cursor(position.to_owned())),
            limit: query.limit()?,
        };
        let (topics, next) = api::scan_kv(&ingress.api, &request).await?;
        let entries: Vec<_> = topics.iter().map(entry).collect();
        Ok(Reply::json(scan_kv_body(&entries, &next.map(|cursor| cursor.0).unwrap_or_default())))
    };
    measured(&ingress, "scanKV", work).await
}

fn entry(topic: &Topic) -> TopicEntry<'_> {
    TopicEntry {
        name: &topic.name,
        subscribers: topic.subscribers.iter().map(|it| (it.url.as_str(), it.remark.as_str())).collect(),
        version: topic.version,
        created_at: topic.created_at,
        updated_at: topic.updated_at,
    }
}

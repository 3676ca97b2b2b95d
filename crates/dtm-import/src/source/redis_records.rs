//! The JSON that DTM keeps in Redis.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{BranchRecord, GlobalRecord, KeyValueRecord};

/// Empty fields are left out by DTM.
#[derive(Deserialize)]
struct Global {
    #[serde(default)]
    gid: String,
    #[serde(default)]
    trans_type: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    query_prepared: String,
    #[serde(default)]
    protocol: String,
    create_time: Option<String>,
    update_time: Option<String>,
    next_cron_time: Option<String>,
    next_cron_interval: Option<i64>,
    #[serde(default)]
    options: String,
    #[serde(default)]
    custom_data: String,
    #[serde(default)]
    ext_data: String,
    #[serde(default)]
    rollback_reason: String,
    steps: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branch_id: String,
    #[serde(default)]
    op: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    url: String,
    bin_data: Option<String>,
    finish_time: Option<String>,
}

#[derive(Deserialize)]
struct KeyValue {
    cat: String,
    k: String,
    #[serde(default)]
    v: String,
}

pub(super) fn global(json: &[u8]) -> Result<GlobalRecord, String> {
    let read: Global =
        serde_json::from_slice(json).map_err(|error| format!("its record is no JSON of DTM: {error}"))?;
    Ok(GlobalRecord {
        gid: read.gid,
        trans_type: read.trans_type,
        status: read.status,
        query_prepared: read.query_prepared,
        protocol: read.protocol,
        created: millis("create_time", read.create_time)?,
        updated: millis("update_time", read.update_time)?,
        next_try: millis("next_cron_time", read.next_cron_time)?,
        interval: read.next_cron_interval,
        options: read.options,
        custom_data: read.custom_data,
        ext_data: read.ext_data,
        rollback_reason: read.rollback_reason,
        listed_steps: read.steps.map_or(0, |steps| steps.len()),
        branches_are_late: false, // in Redis DTM waits for each write
    })
}

pub(super) fn branch(json: &[u8]) -> Result<BranchRecord, String> {
    let read: Branch =
        serde_json::from_slice(json).map_err(|error| format!("a branch is no JSON of DTM: {error}"))?;
    let data = STANDARD
        .decode(read.bin_data.unwrap_or_default())
        .map_err(|error| format!("bin_data of branch {} is no base64: {error}", read.branch_id))?;
    Ok(BranchRecord {
        branch_id: read.branch_id,
        op: read.op,
        status: read.status,
        url: read.url,
        data,
        ended: millis("finish_time", read.finish_time)?,
    })
}

pub(super) fn key_value(json: &[u8]) -> Result<KeyValueRecord, String> {
    let read: KeyValue =
        serde_json::from_slice(json).map_err(|error| format!("it is no JSON of DTM: {error}"))?;
    Ok(KeyValueRecord { category: read.cat, key: read.k, value: read.v })
}

fn millis(field: &str, text: Option<String>) -> Result<Option<u64>, String> {
    let Some(text) = text else { return Ok(None) };
    let time =
        OffsetDateTime::parse(&text, &Rfc3339).map_err(|error| format!("{field} is no time: {error}"))?;
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(millis).map(Some).map_err(|_| format!("{field} lies before 1970"))
}

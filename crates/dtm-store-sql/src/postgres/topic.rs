//! Topics with versions.

use dtm_store::codec::{decode_topic, encode_topic};
use dtm_store::{Error, Subscriber, Topic};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::error::fault;
use super::sql::now;
use crate::fault::Fault;
use crate::record::timestamp;

const LOAD: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND name = $1";

const SCAN: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND ($1::text IS NULL OR name > $1) \
    ORDER BY name LIMIT $2";

const NOW: &str = concat!("SELECT ", now!(), " AS now");

const INSERT: &str = "INSERT INTO dtm_kv (category, name, version, value) VALUES ('topics', $1, $2, $3) \
    ON CONFLICT (category, name) DO NOTHING RETURNING version";

const UPDATE: &str = "UPDATE dtm_kv SET version = $2::bigint, value = $3 \
    WHERE category = 'topics' AND name = $1 AND version = $2::bigint - 1 RETURNING version";

const DELETE: &str = "DELETE FROM dtm_kv WHERE category = 'topics' AND name = $1 RETURNING version";

impl Postgres {
    pub(super) async fn topic(&self, name: &str) -> Result<Option<Topic>, Fault> {
        let row = self.reader().await?.row(sqlx::query(LOAD).bind(name)).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// Writes only if the version is still the one that was read a moment before; no transaction is needed for that.
    pub(super) async fn write_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        version: u64,
    ) -> Result<u64, Fault> {
        let found = self.topic(name).await?;
        let found_version = found.as_ref().map_or(0, |topic| topic.version);
        if found_version != version {
            return Err(conflict(name, version, &format!("version {found_version}")));
        }
        let mut session = self.writer().await?;
        let row = session.row(sqlx::query(NOW).bind(self.given_now())).await?;
        let now = row.map_or(Ok(0), |row| row.try_get("now")).map_err(fault)?;
        let now = timestamp(now).map_err(Fault::Trouble)?;
        let topic = Topic {
            name: name.to_owned(),
            subscribers: subscribers.to_vec(),
            version: version + 1,
            created_at: found.as_ref().map_or(now, |topic| topic.created_at),
            updated_at: now,
        };
        let text = encode_topic(&topic).map_err(|error| error.rejected(&format!("topic {name}")))?;
        let statement = if found.is_some() { UPDATE } else { INSERT };
        let number = i64::try_from(topic.version).map_err(|_| conflict(name, version, "no such version"))?;
        match session.row(sqlx::query(statement).bind(name).bind(number).bind(text)).await? {
            Some(_) => Ok(topic.version),
            None => Err(conflict(name, version, "a later one")),
        }
    }

    pub(super) async fn remove_topic(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.writer().await?.row(sqlx::query(DELETE).bind(name)).await?.is_some())
    }

    pub(super) async fn list_topics(&self, after: Option<&str>, limit: i64) -> Result<Vec<Topic>, Fault> {
        let rows = self.reader().await?.rows(sqlx::query(SCAN).bind(after).bind(limit)).await?;
        rows.iter().map(read).collect()
    }
}

/// A topic that cannot be read stops nobody but itself.
fn read(row: &PgRow) -> Result<Topic, Fault> {
    let name: String = row.try_get("name").map_err(fault)?;
    let value: String = row.try_get("value").map_err(fault)?;
    decode_topic(&value).map_err(|error| error.rejected(&format!("topic {name}")).into())
}

fn conflict(name: &str, version: u64, found: &str) -> Fault {
    Fault::Refused(Error::Conflict {
        what: format!("topic {name}"),
        expected: format!("version {version}"),
        found: found.to_owned(),
    })
}

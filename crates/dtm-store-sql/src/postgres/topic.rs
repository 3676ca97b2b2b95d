//! Topics with versions.

use dtm_store::codec::{decode_topic, encode_topic};
use dtm_store::{Subscriber, Topic};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::error::fault;
use crate::fault::Fault;

const LOAD: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND name = $1";

const SCAN: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND ($1::text IS NULL OR name > $1) \
    ORDER BY name LIMIT $2";

const INSERT: &str = "INSERT INTO dtm_kv (category, name, version, value) VALUES ('topics', $1, $2, $3) \
    ON CONFLICT (category, name) DO NOTHING RETURNING version";

/// The text is compared, and not the version: a topic that was removed and created anew begins with version 1 again.
const UPDATE: &str = "UPDATE dtm_kv SET version = $2::bigint, value = $3 \
    WHERE category = 'topics' AND name = $1 AND value = $4::text RETURNING version";

const DELETE: &str = "DELETE FROM dtm_kv WHERE category = 'topics' AND name = $1 RETURNING version";

impl Postgres {
    pub(super) async fn topic(&self, name: &str) -> Result<Option<Topic>, Fault> {
        Ok(self.topic_text(name).await?.map(|(topic, _)| topic))
    }

    /// A topic, and the text that stands for it.
    async fn topic_text(&self, name: &str) -> Result<Option<(Topic, String)>, Fault> {
        let row = self.reader().await?.row(sqlx::query(LOAD).bind(name)).await?;
        row.map(|row| Ok((read(&row)?, row.try_get("value").map_err(fault)?))).transpose()
    }

    /// Writes only if the topic is still what was read a moment before; no transaction is needed for that.
    pub(super) async fn write_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Fault> {
        let (found, old) = self.topic_text(name).await?.unzip();
        let now = self.own_time().await?;
        let topic = Topic::changed(name, subscribers, expected, found.as_ref(), now)?;
        let text = encode_topic(&topic).map_err(|error| error.rejected(&format!("topic {name}")))?;
        let number = i64::try_from(topic.version)
            .map_err(|_| Topic::conflict(name, expected, "the last version that there is"))?;
        let statement = sqlx::query(if old.is_some() { UPDATE } else { INSERT });
        let mut statement = statement.bind(name).bind(number).bind(text);
        if let Some(old) = old {
            statement = statement.bind(old);
        }
        match self.writer().await?.row(statement).await? {
            Some(_) => Ok(topic.version),
            None => Err(Topic::conflict(name, expected, "a later one").into()),
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

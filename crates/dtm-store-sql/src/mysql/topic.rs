//! Topics with versions.

use dtm_store::codec::{decode_topic, encode_topic};
use dtm_store::{Subscriber, Topic};
use sqlx::mysql::MySqlRow;

use super::MySql;
use super::error::fault;
use super::load::text as column;
use crate::fault::Fault;

const LOAD: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND name = ?";

const SCAN: &str = "SELECT name, value FROM dtm_kv WHERE category = 'topics' AND (? IS NULL OR name > ?) \
    ORDER BY name LIMIT ?";

const INSERT: &str = "INSERT INTO dtm_kv (version, value, category, name) VALUES (?, ?, 'topics', ?)";

/// The text is compared, and not the version: a topic that was removed and created anew begins with version 1 again.
const UPDATE: &str =
    "UPDATE dtm_kv SET version = ?, value = ? WHERE category = 'topics' AND name = ? AND value = ?";

const DELETE: &str = "DELETE FROM dtm_kv WHERE category = 'topics' AND name = ?";

impl MySql {
    pub(super) async fn topic(&self, name: &str) -> Result<Option<Topic>, Fault> {
        Ok(self.topic_text(name).await?.map(|(topic, _)| topic))
    }

    /// A topic, and the text that stands for it.
    async fn topic_text(&self, name: &str) -> Result<Option<(Topic, String)>, Fault> {
        let row = self.reader().await?.row(sqlx::query(LOAD).bind(name.as_bytes())).await?;
        row.map(|row| Ok((read(&row)?, column(&row, "value").map_err(fault)?))).transpose()
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
        let mut statement = statement.bind(number).bind(text).bind(name.as_bytes());
        if let Some(old) = old {
            statement = statement.bind(old);
        }
        match self.writer().await?.change(statement).await {
            Ok(1) => Ok(topic.version),
            Ok(_) | Err(Fault::Duplicate) => Err(Topic::conflict(name, expected, "a later one").into()),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn remove_topic(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.writer().await?.change(sqlx::query(DELETE).bind(name.as_bytes())).await? == 1)
    }

    pub(super) async fn list_topics(&self, after: Option<&str>, limit: i64) -> Result<Vec<Topic>, Fault> {
        let after = after.map(str::as_bytes);
        let rows = self.reader().await?.rows(sqlx::query(SCAN).bind(after).bind(after).bind(limit)).await?;
        rows.iter().map(read).collect()
    }
}

/// A topic that cannot be read stops nobody but itself.
fn read(row: &MySqlRow) -> Result<Topic, Fault> {
    let name = column(row, "name").map_err(fault)?;
    let value = column(row, "value").map_err(fault)?;
    decode_topic(&value).map_err(|error| error.rejected(&format!("topic {name}")).into())
}

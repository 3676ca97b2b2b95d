//! Which source an address means.

use super::Source;
use super::mysql::MySql;
use super::postgres::Postgres;
use super::redis::Redis;
use super::sql::Tables;
use crate::{ImportError, Settings};

pub(crate) async fn open(settings: &Settings) -> Result<Box<dyn Source>, ImportError> {
    let address = &settings.from;
    match address.split_once("://").map(|(scheme, _)| scheme) {
        Some("mysql" | "mariadb") => {
            Ok(Box::new(Tables::new(MySql::connect(address, settings.time_zone.as_deref()).await?)))
        }
        Some("postgres" | "postgresql") => Ok(Box::new(Tables::new(Postgres::connect(address).await?))),
        Some("redis") => Ok(Box::new(Redis::connect(address, &settings.prefix).await?)),
        Some(other) => Err(ImportError::Address(format!(
            "'{other}' is not a store of DTM that can be read: use mysql://, postgres:// or redis://"
        ))),
        None => Err(ImportError::Address(
            "it is not of the form mysql://user:password@host:port/database".to_owned(),
        )),
    }
}

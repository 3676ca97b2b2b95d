//! What happens to a call on its way to the tables and back.

use std::fmt;

use dtm_store::{Error, WriteStats};
use parking_lot::Mutex;

use super::Tables;

/// Keeps the tables, and decides what happens to a call. The functions are executed at one moment.
pub trait Medium: fmt::Debug + Send + Sync {
    /// Executes something that changes nothing.
    fn read<T: Send>(
        &self,
        read: impl FnOnce(&Tables) -> Result<T, Error> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send;

    /// Executes something that changes the tables; an error means that it changed nothing.
    fn write<T: Send>(
        &self,
        write: impl FnOnce(&mut Tables) -> Result<T, Error> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send;

    /// What was written.
    fn stats(&self) -> WriteStats;

    /// Refuses writes from now on.
    fn close(&self);
}

/// Does what it is told, at once.
#[derive(Debug, Default)]
pub struct Reliable(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    tables: Tables,
    writes: u64,
    closed: bool,
}

impl Reliable {
    /// A medium with this content.
    #[must_use]
    pub fn with(tables: Tables) -> Self {
        Self(Mutex::new(Content { tables, ..Content::default() }))
    }

    /// A copy of the content.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.0.lock().tables.clone()
    }
}

impl Medium for Reliable {
    async fn read<T: Send>(&self, read: impl FnOnce(&Tables) -> Result<T, Error> + Send) -> Result<T, Error> {
        read(&self.0.lock().tables)
    }

    async fn write<T: Send>(
        &self,
        write: impl FnOnce(&mut Tables) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let mut content = self.0.lock();
        if content.closed {
            return Err(Error::Closed);
        }
        content.writes += 1;
        let result = write(&mut content.tables);
        content.tables.take_journal();
        result
    }

    fn stats(&self) -> WriteStats {
        let writes = self.0.lock().writes;
        WriteStats { batches: writes, operations: writes }
    }

    fn close(&self) {
        self.0.lock().closed = true;
    }
}

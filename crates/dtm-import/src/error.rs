//! Why an import ends before its end.

/// Why an import ends before its end. What was taken until then is complete; running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The address cannot be used.
    #[error("--from: {0}")]
    Address(String),
    /// The source does not answer as expected.
    #[error("the store of DTM cannot be read: {0}")]
    Source(String),
    /// DTM works on its store, or did a moment ago.
    #[error(
        "DTM is running: {0}. Stop every DTM on this store first, or both would drive the same transactions; then \
         run the import again"
    )]
    Running(String),
    /// It cannot be seen whether DTM works.
    #[error(
        "whether DTM is running cannot be seen in Redis ({0}), and CLIENT LIST is forbidden. Stop every DTM on this \
         store, then run the import again with --watch 0"
    )]
    CannotWatch(String),
    /// The source's clock and its rows do not fit.
    #[error(
        "the newest row of DTM lies {seconds} seconds in the future: say in which time zone DTM ran, as in --time-zone +08:00"
    )]
    TimeZone {
        /// How far.
        seconds: u64,
    },
    /// Taking it once more could repeat what has ended and been deleted since.
    #[error(
        "DTM has not written for {days} days, longer than this server keeps finished transactions: if this import \
         was done before, doing it again would repeat transactions that have ended and been deleted since. If it was \
         not, add --stopped-long-ago"
    )]
    StoppedLongAgo {
        /// For how long, in whole days.
        days: u64,
    },
    /// The target cannot be opened or written.
    #[error("the store of this server cannot be used: {0}")]
    Target(#[from] dtm_store::Error),
    /// The name of the import as an owner is wrong.
    #[error(transparent)]
    Owner(#[from] dtm_store::owner::OwnerError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Source(error.to_string())
    }
}

impl From<redis::RedisError> for ImportError {
    fn from(error: redis::RedisError) -> Self {
        Self::Source(error.to_string())
    }
}

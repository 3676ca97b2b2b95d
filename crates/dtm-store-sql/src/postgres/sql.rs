//! What many statements share.

/// The time that a statement goes by: the clock of the database, unless `$1` gives another.
macro_rules! now {
    () => {
        "coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
    };
}

/// Whether the state of the row `t` is one that may be replaced.
macro_rules! framed {
    () => {
        concat!("t.state LIKE '", crate::record::state_frame!(), "' || t.status || '\",%}'")
    };
}

pub(super) use {framed, now};

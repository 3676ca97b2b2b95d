//! What many statements share.

/// Sets the time that the next statements of the connection go by: the clock of the database, unless a parameter gives
/// another.
pub(super) const SET_NOW: &str = "SET @dtm_now = COALESCE(?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))";

/// The same by the clock of the database, and the beginning of a transaction, in one round trip.
pub(super) const BEGIN_NOW: &str =
    "SET @dtm_now = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED); START TRANSACTION";

/// Sets the time that statements with [`own_now!`] go by, in tests.
pub(super) const GIVE_NOW: &str = "SET @dtm_given = ?";

/// The time that a statement goes by that commits itself: the clock of the database, unless the connection was given
/// another.
macro_rules! own_now {
    () => {
        "COALESCE(@dtm_given, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))"
    };
}

/// Whether the state of the row `t` is one that may be replaced.
macro_rules! framed {
    () => {
        concat!("t.state LIKE CONCAT('", crate::record::state_frame!(), "', t.status, '\",%}')")
    };
}

pub(super) use {framed, own_now};

//! What goes along with an error.

/// The metadata beside an error of a call that waited for a result: where the transaction stands (decision 5).
pub const STATUS_METADATA: &str = "dtm-status";

//! What the caller of a transfer says to a bank.

/// So many euros, and whose.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    /// The name of an account.
    pub account: String,
    /// Whole euros, to keep it short.
    pub euros: i64,
}

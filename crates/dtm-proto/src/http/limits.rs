//! How much one request may ask for.

/// How much one request may ask for. What is larger is refused with the limit named (decision 11); the size of
/// the whole body is bounded by whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLimits {
    /// Steps of one transaction, at most 100,000.
    pub branches_max: usize,
    /// Entries of `orders` altogether.
    pub order_entries_max: usize,
    /// Bytes of `custom_data`.
    pub custom_data_bytes_max: usize,
    /// Bytes of all names and values of `branch_headers`.
    pub header_bytes_max: usize,
}

/// The longest URL of a branch in bytes. Common servers take no request line beyond 8 KiB.
pub const URL_BYTES_MAX: usize = 8_192;

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            branches_max: 10_000,
            order_entries_max: 100_000,
            custom_data_bytes_max: 4 * 1_024 * 1_024,
            header_bytes_max: 16 * 1_024,
        }
    }
}

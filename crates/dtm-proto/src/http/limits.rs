//! How much one request may ask for.

/// How much one request may ask for. What is larger is refused with the limit named (decision 11); the size of
/// the whole body is bounded by whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLimits {
    /// Steps of one transaction; no list with more than 100,000 entries is read, whatever is configured.
    pub branches_max: usize,
    /// Entries of `orders` altogether.
    pub order_entries_max: usize,
    /// Bytes of `custom_data`.
    pub custom_data_bytes_max: usize,
    /// Bytes of each URL.
    pub url_bytes_max: usize,
    /// Bytes of all names and values of `branch_headers`.
    pub header_bytes_max: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            branches_max: 10_000,
            order_entries_max: 100_000,
            custom_data_bytes_max: 1 << 20,
            url_bytes_max: 8 << 10,
            header_bytes_max: 16 << 10,
        }
    }
}

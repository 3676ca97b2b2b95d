//! What DTM has stored, as it was read and not yet judged.

use std::fmt;

/// A row of `trans_global`, or the value of a key `_g_` in Redis. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GlobalRecord {
    /// The name of the transaction.
    pub gid: String,
    /// `saga`, `tcc`, ...
    pub trans_type: String,
    /// `prepared`, `submitted`, ...
    pub status: String,
    /// Back-check of a message, call-back of a workflow.
    pub query_prepared: String,
    /// `http`, `grpc` or `json-rpc`.
    pub protocol: String,
    /// When it was created.
    pub created: Option<u64>,
    /// When it was last written.
    pub updated: Option<u64>,
    /// `next_cron_time`.
    pub next_try: Option<u64>,
    /// `next_cron_interval`, in seconds.
    pub interval: Option<i64>,
    /// JSON text.
    pub options: String,
    /// JSON text, depending on the mode.
    pub custom_data: String,
    /// JSON text with headers that old clients wanted to be passed on.
    pub ext_data: String,
    /// Why it is rolled back.
    pub rollback_reason: String,
    /// How many steps the client listed; 0 when the source does not keep that.
    pub listed_steps: usize,
    /// Whether branches may have ended whose rows do not say so: DTM writes them late where that is faster for it.
    pub branches_are_late: bool,
}

/// A row of `trans_branch_op`, or an entry of a list `_b_` in Redis.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BranchRecord {
    /// The name of the branch.
    pub branch_id: String,
    /// `action`, `compensate`, ...
    pub op: String,
    /// `prepared`, `succeed` or `failed`.
    pub status: String,
    /// Where to call.
    pub url: String,
    /// What to call it with.
    pub data: Vec<u8>,
    /// When its status became final, in milliseconds since the Unix epoch.
    pub ended: Option<u64>,
}

impl fmt::Debug for BranchRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({} bytes)", self.branch_id, self.op, self.status, self.data.len())
    }
}

/// A row of `kv`, or a key `_kv_` in Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValueRecord {
    /// `topics`.
    pub category: String,
    /// The name of the topic.
    pub key: String,
    /// Its subscribers, as JSON text.
    pub value: String,
}

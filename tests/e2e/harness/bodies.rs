//! Request bodies.

use serde_json::{Value, json};

use super::Branches;

/// A JSON object with more fields.
pub(crate) trait With {
    /// The object with one more field, or with another value of one that it has.
    fn with(self, name: &str, value: impl Into<Value>) -> Self;
}

impl With for Value {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self[name] = value.into();
        self
    }
}

/// A saga whose step `n` calls `/a<n>` and is undone by `/c<n>`; failing calls are tried again after 1 s.
pub(crate) fn saga(gid: &str, branches: &Branches, step_count: usize) -> Value {
    let payloads: Vec<String> = (1..=step_count).map(|step| format!(r#"{{"step":{step}}}"#)).collect();
    json!({
        "gid": gid,
        "trans_type": "saga",
        "steps": steps(branches, step_count),
        "payloads": payloads,
        "retry_interval": 1,
    })
}

/// The steps of [`saga`].
pub(crate) fn steps(branches: &Branches, count: usize) -> Value {
    (1..=count)
        .map(|step| {
            json!({
                "action": branches.url(&format!("/a{step}")),
                "compensate": branches.url(&format!("/c{step}")),
            })
        })
        .collect()
}

/// A message whose step `n` calls `/a<n>`, and whose back-check is `/query`.
pub(crate) fn message(gid: &str, branches: &Branches, step_count: usize) -> Value {
    let step = |step| json!({ "action": branches.url(&format!("/a{step}")) });
    let payloads: Vec<String> = (1..=step_count).map(|step| format!(r#"{{"step":{step}}}"#)).collect();
    json!({
        "gid": gid,
        "trans_type": "msg",
        "steps": (1..=step_count).map(step).collect::<Vec<_>>(),
        "payloads": payloads,
        "query_prepared": branches.url("/query"),
        "retry_interval": 1,
    })
}

//! From a message to the registration that all protocols share.

use super::dtmgimp::DtmBranchRequest;
use crate::http::RegisterRequest;

impl From<DtmBranchRequest> for RegisterRequest {
    /// Behaviour 44: the strings stand in `Data`, the payload is bytes. The gid is not stripped (behaviour 9).
    fn from(message: DtmBranchRequest) -> Self {
        let mut data = message.data;
        let mut take = |name: &str| data.remove(name).unwrap_or_default();
        let (confirm, cancel, url, status) = (take("confirm"), take("cancel"), take("url"), take("status"));
        // The SDKs name the operation in Data; the field of the message is for whoever sends that only.
        let op = data.remove("op").unwrap_or(message.op);
        Self {
            gid: message.gid,
            trans_type: message.trans_type,
            branch_id: message.branch_id,
            data: message.busi_payload.into(),
            bin_data: String::new(),
            confirm,
            cancel,
            url,
            op,
            status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_of_data_counts_and_the_field_stands_in_for_it() {
        let message = |data: &[(&str, &str)]| DtmBranchRequest {
            op: "action".to_owned(),
            data: data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            busi_payload: vec![0xff],
            ..DtmBranchRequest::default()
        };
        let both = RegisterRequest::from(message(&[("op", "rollback"), ("status", "succeed"), ("x", "y")]));
        assert_eq!((both.op.as_str(), both.status.as_str()), ("rollback", "succeed"));
        assert_eq!(both.data.as_bytes(), [0xff]);
        assert_eq!(RegisterRequest::from(message(&[])).op, "action");
    }
}

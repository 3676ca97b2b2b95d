//! The name that a prepared transaction has in its database.

use std::fmt;

use crate::{BarrierError, BranchContext};

/// `<gid>-<branch id>`, as in the other SDKs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xid(String);

impl Xid {
    /// The name for this branch, unless it is longer than the database takes.
    pub(super) fn new(context: &BranchContext, bytes_max: usize) -> Result<Self, BarrierError> {
        let name = format!("{}-{}", context.gid, context.branch_id);
        if name.len() > bytes_max {
            let length = name.len();
            return Err(BarrierError::TooLong { field: "gid with the branch_id", length, max: bytes_max });
        }
        Ok(Self(name))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a literal in which no character can end it: MySQL takes no bind parameter here.
    #[cfg(feature = "mysql")]
    pub(super) fn hexadecimal(&self) -> String {
        use std::fmt::Write as _;
        let mut literal = "X'".to_owned();
        for byte in self.0.bytes() {
            write!(literal, "{byte:02x}").ok();
        }
        literal + "'"
    }

    /// As a literal of PostgreSQL, which takes no bind parameter here, whatever `standard_conforming_strings` says.
    #[cfg(feature = "postgres")]
    pub(super) fn escaped(&self) -> String {
        format!("E'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BranchOp, Mode};

    fn xid(gid: &str) -> Result<Xid, BarrierError> {
        Xid::new(&BranchContext::new(gid, "01", BranchOp::Action, Mode::Xa), 64)
    }

    #[test]
    fn a_hostile_gid_stays_inside_its_literal() {
        let hostile = xid("o'\\'; x --").unwrap();
        assert_eq!(hostile.as_str(), "o'\\'; x ---01");
        #[cfg(feature = "postgres")]
        assert_eq!(hostile.escaped(), "E'o\\'\\\\\\'; x ---01'");
        #[cfg(feature = "mysql")]
        assert_eq!(xid("a'").unwrap().hexadecimal(), "X'61272d3031'");
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        assert!(xid(&"g".repeat(61)).is_ok());
        assert!(matches!(xid(&"g".repeat(62)), Err(BarrierError::TooLong { length: 65, max: 64, .. })));
    }
}

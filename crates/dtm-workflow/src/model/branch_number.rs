//! The ids of a workflow's branches.

use std::fmt;

/// A branch of a workflow: `01`, `02`, ... in the order in which the function asks for them. Two digits at
/// least, as Go's SDK writes them; it stops at 99, this one does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BranchNumber(usize);

impl BranchNumber {
    /// The branch at a position, 0 being the first.
    pub(crate) const fn at(position: usize) -> Self {
        Self(position + 1)
    }

    /// Reads an id; `None` for any text that [`Display`](fmt::Display) does not write.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let number = Self(id.parse().ok().filter(|number| *number > 0)?);
        (number.to_string() == id).then_some(number)
    }

    /// Where it is in a list of all branches.
    pub(crate) const fn position(self) -> usize {
        self.0 - 1
    }
}

impl fmt::Display for BranchNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_counted_as_in_go() {
        for (position, id) in [(0, "01"), (8, "09"), (9, "10"), (98, "99"), (99, "100"), (999, "1000")] {
            let number = BranchNumber::at(position);
            assert_eq!((number.to_string().as_str(), number.position()), (id, position));
            assert_eq!(BranchNumber::parse(id), Some(number));
        }
    }

    #[test]
    fn what_no_workflow_writes_is_no_branch() {
        for id in ["", "0", "00", "1", "001", "+1", "-1", "01 ", "a", "0101x", "99999999999999999999999"] {
            assert_eq!(BranchNumber::parse(id), None, "{id}");
        }
    }
}

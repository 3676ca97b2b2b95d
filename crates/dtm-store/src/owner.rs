//! Who drives a transaction.
//!
//! Every creation, claim and take-over of a transaction writes a fresh [`OwnerToken`]; every later write names
//! the token that it was decided under. A driver that was overtaken, however late it wakes up, therefore
//! changes nothing (fencing tokens: Kleppmann, "Designing Data-Intensive Applications", chapter 8). A released
//! transaction keeps its last token, so that a write decided on what was read before the release and a later
//! claim cannot be mistaken for a current one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of a server. Servers on one store need different names; an embedded store has one server only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

/// Why a text is not a node name or an owner token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// Not usable as a node name.
    #[error("node name '{0}' must have 1 to 64 bytes, without ':' and control characters")]
    NodeName(String),
    /// Not of the form `node:epoch:counter`.
    #[error("owner token '{0}' is not of the form node:epoch:counter")]
    Token(String),
}

impl NodeName {
    /// Checks a text and makes it a node name.
    ///
    /// # Errors
    /// [`OwnerError::NodeName`] when it is empty, longer than 64 bytes, or has `:` or a control character.
    pub fn parse(text: &str) -> Result<Self, OwnerError> {
        if text.is_empty() || text.len() > 64 || text.contains(|c: char| c == ':' || c.is_control()) {
            return Err(OwnerError::NodeName(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Counts the starts of a node: tokens of an earlier start belong to the dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Proof of ownership: `node:epoch:counter`, never used twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerToken {
    /// The server that took the transaction.
    pub node: NodeName,
    /// The start of that server.
    pub epoch: Epoch,
    /// Counts the tokens of that start.
    pub counter: u64,
}

impl OwnerToken {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`OwnerError`] when the text has another form.
    pub fn parse(text: &str) -> Result<Self, OwnerError> {
        let malformed = || OwnerError::Token(text.to_owned());
        let (rest, counter) = text.rsplit_once(':').ok_or_else(malformed)?;
        let (node, epoch) = rest.rsplit_once(':').ok_or_else(malformed)?;
        Ok(Self {
            node: NodeName::parse(node)?,
            epoch: Epoch(epoch.parse().map_err(|_| malformed())?),
            counter: counter.parse().map_err(|_| malformed())?,
        })
    }
}

impl fmt::Display for OwnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.node.as_str(), self.epoch.0, self.counter)
    }
}

/// The last token of a transaction, and whether its owner still drives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The token that the next write has to name.
    pub token: OwnerToken,
    /// Whether somebody drives it now. A transaction that is not held can be claimed when it is due; one that
    /// is held can be claimed when its node is dead.
    pub held: bool,
}

/// Makes the tokens of one start of one server.
#[derive(Debug)]
pub struct TokenSource {
    node: NodeName,
    epoch: Epoch,
    counter: AtomicU64,
}

impl TokenSource {
    /// The tokens of that node's start; see [`NodeStore::join`](crate::NodeStore::join).
    #[must_use]
    pub const fn new(node: NodeName, epoch: Epoch) -> Self {
        Self { node, epoch, counter: AtomicU64::new(0) }
    }

    /// A token that was never used before.
    #[must_use]
    pub fn fresh(&self) -> OwnerToken {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        OwnerToken { node: self.node.clone(), epoch: self.epoch, counter }
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &NodeName {
        &self.node
    }

    /// The start of the node.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form() {
        let token = OwnerToken { node: NodeName::parse("a-1").unwrap(), epoch: Epoch(7), counter: 9 };
        assert_eq!(token.to_string(), "a-1:7:9");
        assert_eq!(OwnerToken::parse("a-1:7:9"), Ok(token));
    }

    #[test]
    fn a_text_that_is_no_token_is_refused() {
        for text in ["", "a", "a:1", "a:b:1", "a:1:b", ":1:1", "a:1:2:x"] {
            assert!(OwnerToken::parse(text).is_err(), "{text}");
        }
    }
}

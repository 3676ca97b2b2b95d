//! How much of an answer counts.

/// How the body of an answer takes part in its meaning (decision 3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ResultProtocol {
    /// Status code first, then the exact result in the body. Serves every branch that follows DTM's documents.
    #[default]
    Compat,
    /// DTM's search for the words anywhere in the body.
    Legacy,
    /// Status code only.
    Strict,
}

/// A result protocol that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown result protocol '{0}': use one of compat, legacy, strict")]
pub struct UnknownResultProtocol(pub String);

impl ResultProtocol {
    /// All result protocols.
    pub const ALL: [Self; 3] = [Self::Compat, Self::Legacy, Self::Strict];

    /// The name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::Legacy => "legacy",
            Self::Strict => "strict",
        }
    }

    /// Reads the name in configuration.
    ///
    /// # Errors
    /// [`UnknownResultProtocol`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownResultProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| UnknownResultProtocol(text.to_owned()))
    }
}

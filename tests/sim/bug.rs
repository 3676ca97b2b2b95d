//! Bugs that are planted to prove that the checker finds them.

/// A bug of a store or of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The store acknowledges a creation before it is durable.
    AcknowledgesTooEarly,
    /// The store ignores the owner token of a write.
    IgnoresTheFence,
    /// The store acknowledges the end of a transaction without writing it.
    LosesTheEnd,
    /// The store forgets transactions that are not finished.
    ExpiresTheUnfinished,
    /// The store acknowledges a registered branch without writing it.
    DropsARegistration,
    /// The store appends a branch although another one came first.
    IgnoresARaceOfBranches,
    /// The transport takes a time-out for a failure.
    TimeOutIsFailure,
    /// The transport says that a branch was compensated without having called it.
    SkipsACompensation,
    /// The transport confirms where it is asked to cancel, and commits where it is asked to roll back.
    MixesUpTheWays,
}

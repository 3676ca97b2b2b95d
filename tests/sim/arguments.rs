//! What can be chosen from outside.

/// How many seeds are run; `DTM_SIM_SEEDS` says so, or 500.
pub(crate) fn seeds() -> u64 {
    number("DTM_SIM_SEEDS").unwrap_or(500)
}

/// The one seed that is run with a trace, if `DTM_SIM_SEED` names one.
pub(crate) fn seed() -> Option<u64> {
    number("DTM_SIM_SEED")
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration to be handed")]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

//! Metrics for Prometheus: DTM's names, with bounded labels only (decision 23, defects R11, S11, M18).
//!
//! | file | idea |
//! |---|---|
//! | `events` | [`Metrics`]: what is counted where it happens |
//! | `cells` | a family whose members are found by index instead of by hash |
//! | `labels` | the labels and all their values |
//! | `watched` | what is read when somebody scrapes |
//! | `exposition` | the text that Prometheus and everything like it reads |

mod cells;
mod events;
mod exposition;
mod labels;
#[cfg(test)]
mod tests;
mod watched;

pub use events::Metrics;
pub use exposition::CONTENT_TYPE;
pub use watched::Watched;

//! What no compiler checks: layering, shape of the sources, documents that are current.

#![expect(clippy::expect_used, clippy::panic, reason = "a check that cannot read the project has to stop")]

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/coverage.rs"]
mod coverage;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/layering.rs"]
mod layering;
#[path = "tidy/report.rs"]
mod report;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;

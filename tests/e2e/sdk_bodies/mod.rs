//! The exact requests of the existing SDKs (sdk-wire.md), and what those SDKs look at in the answers.

mod checks;
mod csharp;
mod java;
mod node;
mod old;
mod php;
mod python;

use checks::{check_dtm_result, check_result};

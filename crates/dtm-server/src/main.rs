//! The `dtm-server` binary.

fn main() {}

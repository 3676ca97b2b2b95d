//! Load generator and side-by-side comparisons.

fn main() {}

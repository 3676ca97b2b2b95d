//! The embedded store: sled, every acknowledged write on disk.

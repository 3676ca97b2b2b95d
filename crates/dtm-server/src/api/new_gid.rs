//! A gid that nobody else has.

use short_uuid::ShortUuid;

/// A random gid of 22 letters and digits (a version 4 UUID in base 57).
#[must_use]
pub fn new_gid() -> String {
    ShortUuid::generate().to_string()
}

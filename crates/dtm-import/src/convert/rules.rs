//! What a transaction has to keep to.

use std::fmt;

use dtm_core::coordinator::Policy;
use dtm_core::model::{Definition, Registration};
use dtm_proto::http::RequestLimits;

/// Whether the branches of a transaction can be called at all; the error says why not.
pub type CanBeCalled<'a> = dyn Fn(&Definition, &[Registration]) -> Result<(), String> + Sync + 'a;

/// What a transaction has to keep to.
pub struct Rules<'a> {
    /// How the server that will drive it decides.
    pub policy: &'a Policy,
    /// How large the parts of a request may be there.
    pub limits: &'a RequestLimits,
    /// What that server can call.
    pub callable: &'a CanBeCalled<'a>,
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("limits", &self.limits).finish_non_exhaustive()
    }
}

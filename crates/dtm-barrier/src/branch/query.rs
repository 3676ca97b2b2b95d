//! The context in the query of a URL.

use std::borrow::Cow;

use super::{BranchContext, NotABranchCall};

/// What the decoder puts in place of bytes that are not UTF-8. Two gids that differ there only would become one.
const REPLACEMENT: char = '\u{FFFD}';

impl BranchContext {
    /// Reads `gid`, `branch_id`, `op` and `trans_type`, and `phase2_url` if it is there, from the query of a URL, without its `?`.
    ///
    /// ```
    /// use dtm_barrier::branch::{BranchContext, BranchOp};
    /// let context = BranchContext::from_query("gid=order%201&branch_id=01&op=action&trans_type=saga")?;
    /// assert_eq!((context.gid.as_str(), context.op), ("order 1", BranchOp::Action));
    /// # Ok::<(), dtm_barrier::NotABranchCall>(())
    /// ```
    ///
    /// # Errors
    /// [`NotABranchCall`] when one of the four is missing, empty, given twice, unknown, or not UTF-8.
    pub fn from_query(query: &str) -> Result<Self, NotABranchCall> {
        let [mut gid, mut branch_id, mut op, mut trans_type, mut phase2_url] =
            [const { None::<Cow<'_, str>> }; 5];
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "gid" => &mut gid,
                "branch_id" => &mut branch_id,
                "op" => &mut op,
                "trans_type" => &mut trans_type,
                "phase2_url" => &mut phase2_url,
                _ => continue,
            };
            if place.is_some() {
                return Err(NotABranchCall(format!("{name} is given twice")));
            }
            if value.contains(REPLACEMENT) {
                return Err(NotABranchCall(format!("{name} is not UTF-8")));
            }
            *place = Some(value);
        }
        Self::from_texts(
            gid.as_deref(),
            branch_id.as_deref(),
            op.as_deref(),
            trans_type.as_deref(),
            phase2_url.as_deref(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_missing_empty_twice_unknown_or_no_text_is_named() {
        // behaviour 49
        for (query, said) in [
            ("", "gid is missing"),
            ("gid=&branch_id=01&op=action&trans_type=saga", "gid is empty"),
            ("gid=g&op=action&trans_type=saga", "branch_id is missing"),
            ("gid=g&branch_id=01&trans_type=saga", "op is missing"),
            ("gid=g&branch_id=01&op=action", "trans_type is missing"),
            ("gid=g&gid=h&branch_id=01&op=action&trans_type=saga", "gid is given twice"),
            ("gid=g&branch_id=01&op=explode&trans_type=saga", "unknown op 'explode'"),
            ("gid=g&branch_id=01&op=action&trans_type=ballad", "unknown trans_type 'ballad'"),
            ("gid=%ff&branch_id=01&op=action&trans_type=saga", "gid is not UTF-8"),
        ] {
            let error = BranchContext::from_query(query).unwrap_err().to_string();
            assert!(error.starts_with(&format!("not a branch call: {said}")), "{query}: {error}");
        }
    }

    #[test]
    fn other_parameters_do_not_matter() {
        let query = "x=1&branch_id=01&gid=order%201%2F%E8%AE%A2&op=compensate&trans_type=saga&dtm=";
        let context = BranchContext::from_query(query).unwrap();
        assert_eq!(context.gid, "order 1/订");
        assert_eq!(context.phase2_url, None);
        let xa = "gid=g&branch_id=01&op=action&trans_type=xa&phase2_url=http%3A%2F%2Fh%2Fx%3Fy%3D1";
        assert_eq!(BranchContext::from_query(xa).unwrap().phase2_url.as_deref(), Some("http://h/x?y=1"));
    }
}

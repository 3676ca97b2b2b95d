//! Shortening of texts from outside.

/// The longest prefix of `text` of at most `max_bytes` bytes that ends at a character.
#[must_use]
pub fn truncate(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::truncate;

    #[test]
    fn a_text_is_cut_at_a_character_and_never_inside_one() {
        assert_eq!(truncate("abc", 5), "abc");
        assert_eq!(truncate("abc", 2), "ab");
        assert_eq!(truncate("a订", 2), "a");
    }
}

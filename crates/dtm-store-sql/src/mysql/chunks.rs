//! Statements on many rows: in each size up to 32, so that an ordinary batch is one, and then in powers of two, so that
//! few of them are prepared.

use std::sync::Arc;

/// The most rows of one statement.
const MOST: usize = 256;

/// Up to here there is a statement for each number of rows.
pub(super) const EACH: usize = 32;

/// The most bytes of one statement; a server takes 16 million, unless it was told otherwise.
pub(super) const BYTES: usize = 4 << 20;

/// A statement for each size: what begins it, what each row adds, and what ends it. All three are constants.
#[derive(Debug)]
pub(super) struct Sized {
    statements: Vec<Arc<str>>,
}

impl Sized {
    pub(super) fn new(start: &'static str, row: &'static str, end: &'static str) -> Self {
        let sizes = (1..=EACH).chain((EACH.ilog2() + 1..=MOST.ilog2()).map(|power| 1_usize << power));
        Self::by_size(sizes, |size| [start, &vec![row; size].join(", "), end].concat())
    }

    /// The statements for each size up to [`EACH`], all of them constants.
    pub(super) fn small(statement: impl Fn(usize) -> String) -> Self {
        Self::by_size(1..=EACH, statement)
    }

    fn by_size(sizes: impl Iterator<Item = usize>, statement: impl Fn(usize) -> String) -> Self {
        Self { statements: sizes.map(|size| statement(size).into()).collect() }
    }

    /// The statement for that many rows, which is one of the sizes.
    pub(super) fn of(&self, rows: usize) -> sqlx::AssertSqlSafe<Arc<str>> {
        let rows = rows.max(1);
        let powers = if rows > EACH { usize::try_from(rows.ilog2() - EACH.ilog2()).unwrap_or(0) } else { 0 };
        let statement = self.statements.get(rows.min(EACH) - 1 + powers).or(self.statements.last());
        sqlx::AssertSqlSafe(statement.cloned().unwrap_or_default())
    }
}

/// Cuts rows into pieces whose lengths are sizes of statements and that are not too long; `bytes` is how long a row is.
pub(super) fn pieces<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut pieces, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let mut size = if rest.len() <= EACH { rest.len() } else { 1_usize << rest.len().min(MOST).ilog2() };
        while size > 1 && rest[..size].iter().map(&bytes).sum::<usize>() > BYTES {
            size /= 2;
        }
        let (piece, others) = rest.split_at(size);
        pieces.push(piece);
        rest = others;
    }
    pieces
}

/// Keys for an `IN (..)`, in pieces whose lengths are powers of two: the last one is repeated to fill up.
pub(super) fn padded<T: Clone>(keys: &[T]) -> Vec<Vec<T>> {
    let fill = |piece: &[T]| {
        let mut piece = piece.to_vec();
        if let Some(last) = piece.last().cloned() {
            piece.resize(piece.len().next_power_of_two(), last);
        }
        piece
    };
    keys.chunks(MOST).map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_few_sizes_and_keep_the_order() {
        let rows: Vec<usize> = (0..300).collect();
        let sizes: Vec<usize> = pieces(&rows, |_| 1).iter().map(|piece| piece.len()).collect();
        assert_eq!(sizes, [256, 32, 12]);
        assert_eq!(pieces(&rows, |_| 1).concat(), rows);
        let large: Vec<usize> = pieces(&rows[..4], |_| BYTES - 1).iter().map(|piece| piece.len()).collect();
        assert_eq!(large, [1, 1, 1, 1]);
        assert!(pieces::<u8>(&[], |_| 1).is_empty());
    }

    #[test]
    fn keys_are_filled_up_with_the_last_one() {
        assert_eq!(padded(&[1, 2, 3]), [[1, 2, 3, 3]]);
        assert_eq!(padded(&(0..257).collect::<Vec<_>>())[1], [256]);
        assert!(padded::<u8>(&[]).is_empty());
    }

    #[test]
    fn a_statement_has_a_row_for_each() {
        let statement = Sized::new("A VALUES ", "(?, ?)", " B");
        assert_eq!(&*statement.of(1).0, "A VALUES (?, ?) B");
        assert_eq!(&*statement.of(4).0, "A VALUES (?, ?), (?, ?), (?, ?), (?, ?) B");
        for rows in (1..=32).chain([64, 128, 256]) {
            assert_eq!(statement.of(rows).0.matches("(?, ?)").count(), rows);
        }
    }
}

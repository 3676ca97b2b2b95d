//! Statements on many rows, in few sizes: powers of two, so that few of them are prepared.

/// The most rows of one statement.
const MOST: usize = 256;

/// The most bytes of one statement; a server takes 16 million, unless it was told otherwise.
const BYTES: usize = 4 << 20;

/// A statement for each size: what begins it, what each row adds, and what ends it. All three are constants.
#[derive(Debug)]
pub(super) struct Sized {
    statements: Vec<String>,
}

impl Sized {
    pub(super) fn new(start: &'static str, row: &'static str, end: &'static str) -> Self {
        let sizes = (0..=MOST.ilog2()).map(|power| 1_usize << power);
        let statement = |size: usize| [start, &vec![row; size].join(", "), end].concat();
        Self { statements: sizes.map(statement).collect() }
    }

    /// The statement for that many rows, which is a power of two.
    pub(super) fn of(&self, rows: usize) -> sqlx::AssertSqlSafe<String> {
        let power = usize::try_from(rows.max(1).ilog2()).unwrap_or(0);
        sqlx::AssertSqlSafe(
            self.statements.get(power).or(self.statements.last()).cloned().unwrap_or_default(),
        )
    }
}

/// Cuts rows into pieces whose lengths are powers of two and that are not too long; `bytes` is how long a row is.
pub(super) fn pieces<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut pieces, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let mut size = 1_usize << rest.len().min(MOST).ilog2();
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
        assert_eq!(sizes, [256, 32, 8, 4]);
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
        assert_eq!(statement.of(1).0, "A VALUES (?, ?) B");
        assert_eq!(statement.of(4).0, "A VALUES (?, ?), (?, ?), (?, ?), (?, ?) B");
        assert_eq!(statement.of(256).0.matches("(?, ?)").count(), 256);
    }
}

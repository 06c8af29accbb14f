//! What goes into a network beside the state.

use std::borrow::Cow;
use std::ops::Range;

use crate::engine::Values;
use crate::{Batch, RowInput, Rows};

/// The numbers for one input, row after row.
pub(crate) struct Given<'a> {
    pub(crate) name: &'a str,
    /// Whether the input takes a value for each row of a batch.
    pub(crate) rows: Rows,
    /// Whether it has an axis for them, even if of length 1.
    pub(crate) batched: bool,
    /// The axes of one row.
    pub(crate) shape: Vec<usize>,
    /// Whether there is one value for all rows.
    pub(crate) shared: bool,
    pub(crate) numbers: Numbers<'a>,
}

/// Numbers of a kind that a network takes.
pub(crate) enum Numbers<'a> {
    Float(Cow<'a, [f32]>),
    Integer(Cow<'a, [i32]>),
}

impl<'a> Given<'a> {
    /// A time or label a row; `width` numbers make one.
    pub(crate) fn for_rows(input: &'a RowInput, width: usize, numbers: Numbers<'a>) -> Self {
        // A single number fills all axes after the first, whose lengths are 1.
        let mut shape = vec![1; input.rank.saturating_sub(1)];
        if let Some(last) = shape.last_mut() {
            *last = width;
        }
        let (rows, batched) = (input.rows, input.rank > 0);
        Self { name: &input.name, rows, batched, shape, shared: false, numbers }
    }

    /// Whether rows `i` and `j` have the same value.
    pub(crate) fn same(&self, i: usize, j: usize) -> bool {
        let (i, j) = (self.row(i), self.row(j));
        i == j
            || match &self.numbers {
                Numbers::Float(numbers) => numbers[i] == numbers[j],
                Numbers::Integer(numbers) => numbers[i] == numbers[j],
            }
    }

    /// Shape and values for the rows of `slice`, with copies of the last row up to what `batch`
    /// takes; one value where the input has no rows.
    pub(crate) fn slice(&self, slice: &Range<usize>, batch: Batch) -> (Vec<usize>, Values) {
        let (rows, count) = match self.rows {
            Rows::Each => (slice.clone(), batch.fed(slice.len())),
            Rows::Shared => (slice.start..slice.start + 1, 1),
        };
        let last = rows.end - 1;
        let taken = rows.chain(std::iter::repeat(last)).take(count).map(|row| self.row(row));
        let values = match &self.numbers {
            Numbers::Float(numbers) => {
                Values::Float(taken.flat_map(|row| &numbers[row]).copied().collect())
            }
            Numbers::Integer(numbers) => {
                Values::Integer(taken.flat_map(|row| &numbers[row]).copied().collect())
            }
        };
        let batch_axis = self.batched.then_some(count);
        (batch_axis.into_iter().chain(self.shape.iter().copied()).collect(), values)
    }

    fn row(&self, row: usize) -> Range<usize> {
        let width: usize = self.shape.iter().product();
        let row = if self.shared { 0 } else { row };
        row * width..(row + 1) * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: Values) -> Vec<f32> {
        let Values::Float(values) = values else { panic!("floats expected") };
        values
    }

    fn given(rows: Rows, batched: bool, shared: bool, numbers: &[f32]) -> Given<'_> {
        let (name, numbers) = ("context", Numbers::Float(numbers.into()));
        Given { name, rows, batched, shape: vec![2], shared, numbers }
    }

    #[test]
    fn rows_fill_a_fixed_batch_and_a_shared_value_is_repeated() {
        let each = given(Rows::Each, true, false, &[0., 1., 2., 3., 4., 5.]);
        let (shape, values) = each.slice(&(1..3), Batch::Fixed(3));
        assert_eq!((shape, floats(values)), (vec![3, 2], vec![2., 3., 4., 5., 4., 5.]));
        let (shape, values) = each.slice(&(0..1), Batch::Any);
        assert_eq!((shape, floats(values)), (vec![1, 2], vec![0., 1.]));
        assert!(!each.same(0, 1));

        let one = given(Rows::Each, true, true, &[7., 8.]);
        let (shape, values) = one.slice(&(4..6), Batch::Any);
        assert_eq!((shape, floats(values)), (vec![2, 2], vec![7., 8., 7., 8.]));
        assert!(one.same(0, 9));
    }

    #[test]
    fn an_input_without_rows_gets_one_value() {
        for (batched, expected) in [(true, vec![1, 2]), (false, vec![2])] {
            let rows = given(Rows::Shared, batched, false, &[0., 1., 2., 3.]);
            let (shape, values) = rows.slice(&(1..2), Batch::Any);
            assert_eq!((shape, floats(values)), (expected, vec![2., 3.]));
        }
    }
}

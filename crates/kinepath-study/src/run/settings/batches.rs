//! How the samples of a run are cut into batches.

use std::ops::Range;

/// The batches of a run, in order, each as the range of its samples, counted from the run's first.
///
/// They are cut at multiples of the batch's size of the *global* index, so that a share has the batches
/// of the whole. Settings can promise more than anyone could walk over: nothing here does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batches {
    first: usize,
    end: usize,
    size: usize,
}

impl Batches {
    /// Of `count` samples from the global index `first` on, `size` a batch.
    pub(super) fn new(first: usize, count: usize, size: usize) -> Self {
        Self { first, end: first.saturating_add(count), size: size.max(1) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self.end - self.first {
            0 => 0,
            _ => (self.end - 1) / self.size - self.first / self.size + 1,
        }
    }

    /// The batch of this number, which must be less than [`len`](Self::len).
    pub(crate) fn at(&self, number: usize) -> Range<usize> {
        let begin = (self.first / self.size + number) * self.size;
        let end = begin.saturating_add(self.size).min(self.end);
        begin.max(self.first) - self.first..end - self.first
    }

    /// The number of a batch, if `range` is one.
    pub(crate) fn number_of(&self, range: &Range<usize>) -> Option<usize> {
        let number = self.first.checked_add(range.start)? / self.size - self.first / self.size;
        (number < self.len() && self.at(number) == *range).then_some(number)
    }

    /// All of them.
    pub(crate) fn iter(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.len()).map(move |number| self.at(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_has_the_batches_of_the_whole() {
        let batches: Vec<_> = Batches::new(6, 7, 4).iter().collect();
        assert_eq!(batches, [0..2, 2..6, 6..7]);
        assert_eq!(Batches::new(5, 0, 4).len(), 0);
    }

    #[test]
    fn no_number_is_too_large() {
        let endless = Batches::new(usize::MAX - 5, usize::MAX, 4);
        assert_eq!(endless.iter().last(), Some(2..5));
        assert_eq!(endless.number_of(&(usize::MAX - 1..usize::MAX)), None);
        let long = Batches::new(0, usize::MAX, 1);
        assert_eq!(long.number_of(&(usize::MAX - 1..usize::MAX)), Some(usize::MAX - 1));
    }

    proptest! {
        #[test]
        fn batches_cover_every_sample_once_and_are_cut_at_multiples(
            first in 0_usize..40, count in 0_usize..60, size in 1_usize..12,
        ) {
            let batches = Batches::new(first, count, size);
            let mut next = 0;
            for (number, batch) in batches.iter().enumerate() {
                prop_assert!(batch.start == next && batch.end > batch.start);
                prop_assert!(batch.end == count || (first + batch.end) % size == 0);
                prop_assert_eq!(batches.number_of(&batch), Some(number));
                let longer = batch.start..batch.end + 1;
                prop_assert_eq!(batches.number_of(&longer), None);
                next = batch.end;
            }
            prop_assert_eq!(next, count);
        }
    }
}

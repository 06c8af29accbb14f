//! The k smallest of a stream of distances.

/// The k smallest (squared distance, index) pairs seen so far, ascending; of equal distances the
/// lower index comes first.
#[derive(Debug)]
pub(super) struct TopK {
    k: usize,
    best: Vec<(f64, usize)>,
}

impl TopK {
    pub(super) fn new(k: usize) -> Self {
        Self { k, best: Vec::with_capacity(k + 1) }
    }

    /// A pair above this distance cannot enter.
    pub(super) fn threshold(&self) -> f64 {
        if self.best.len() < self.k { f64::INFINITY } else { self.best[self.k - 1].0 }
    }

    pub(super) fn offer(&mut self, squared: f64, index: usize) {
        let place = self.best.partition_point(|&held| held < (squared, index));
        if place < self.k {
            self.best.insert(place, (squared, index));
            self.best.truncate(self.k);
        }
    }

    pub(super) fn into_ascending(self) -> Vec<(f64, usize)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_sorting(values in proptest::collection::vec(0u8..9, 1..50), k in 1usize..8) {
            let mut top = TopK::new(k);
            for (index, &value) in values.iter().enumerate() {
                if f64::from(value) <= top.threshold() {
                    top.offer(f64::from(value), index);
                }
            }
            let mut sorted: Vec<(f64, usize)> =
                values.iter().enumerate().map(|(i, &v)| (f64::from(v), i)).collect();
            sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
            sorted.truncate(k);
            prop_assert_eq!(top.into_ascending(), sorted);
        }
    }
}

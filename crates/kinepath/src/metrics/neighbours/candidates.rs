//! The points that may be among the k nearest of one query.

use super::NeighbourIndex;
use crate::{
    kernel::LANES,
    metrics::prepared::{Keys, lanes},
};

/// Points between that which is judged and that which is fetched from memory.
const AHEAD: usize = 4;
/// How many pending points are gathered before the k best are sought among them, beside k or more.
const ROOM: usize = 8;

/// The k nearest points that were judged, and those that wait for it.
///
/// A point waits with bounds from its key until it can be discarded on them: of N points, hardly
/// more than k are judged by their exact distance.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    k: usize,
    /// Squared distance in data units and number of the point, ascending, at most k.
    judged: Vec<(f64, usize)>,
    pending: Vec<Pending>,
}

/// A point that its key does not exclude.
#[derive(Debug, Clone, Copy)]
struct Pending {
    key: f32,
    /// The largest key of a point that may be as near.
    beside: f32,
    /// Number of the point, counted from the first of the search.
    point: u32,
}

/// The points that a query is compared with.
#[derive(Clone, Copy)]
pub(super) struct Against<'s, 'a> {
    pub(super) index: &'s NeighbourIndex<'a>,
    /// Number of the first point; pending ones are counted from it.
    pub(super) first: usize,
    pub(super) query: &'s [f32],
    /// The number of the query where it is a point of the index.
    pub(super) own: Option<usize>,
}

impl Candidates {
    /// Forgets everything.
    pub(super) fn reset(&mut self, k: usize) {
        self.k = k;
        self.judged.clear();
        self.pending.clear();
    }

    /// A point further away, by its squared distance, is not among the k nearest.
    pub(super) fn threshold(&self) -> f64 {
        if self.judged.len() < self.k { f64::INFINITY } else { self.judged[self.k - 1].0 }
    }

    /// Adds a point that was judged.
    pub(super) fn offer(&mut self, squared: f64, point: usize) {
        let place = self.judged.partition_point(|&held| held < (squared, point));
        if place < self.k {
            if self.judged.len() == self.k {
                self.judged.pop();
            }
            self.judged.insert(place, (squared, point));
        }
    }

    /// Adds the points of `mask`, number `first` and the following, and lowers the limit.
    pub(super) fn add(
        &mut self,
        against: Against<'_, '_>,
        bounds: &Keys,
        (first, mask, keys, starts): (usize, u32, &[f32; LANES], &[f32]),
        limit: &mut f32,
    ) {
        for lane in lanes(mask) {
            if against.own != Some(first + lane) {
                self.pending.push(Pending {
                    key: keys[lane],
                    beside: bounds.limit_beside(keys[lane], starts[lane]),
                    point: (first + lane - against.first) as u32,
                });
            }
        }
        if self.pending.len() >= self.k + self.k.max(ROOM) {
            self.discard(limit);
            if self.pending.len() >= self.k + self.k.max(ROOM) / 2 {
                self.judge(against, bounds, limit);
            }
        }
    }

    /// Discards what the k-th of the pending excludes.
    fn discard(&mut self, limit: &mut f32) {
        if self.k <= self.pending.len() {
            let by_beside = |a: &Pending, b: &Pending| a.beside.total_cmp(&b.beside);
            let (_, kth, _) = self.pending.select_nth_unstable_by(self.k - 1, by_beside);
            *limit = limit.min(kth.beside);
        }
        let limit = *limit;
        self.pending.retain(|pending| pending.key <= limit);
    }

    /// Judges what is pending.
    pub(super) fn judge(&mut self, against: Against<'_, '_>, bounds: &Keys, limit: &mut f32) {
        if self.pending.is_empty() {
            return;
        }
        if self.pending.len() > self.k {
            self.discard(limit);
        }
        let Against { index, first, query, .. } = against;
        for (number, pending) in self.pending.iter().enumerate() {
            if let Some(next) = self.pending.get(number + AHEAD) {
                index.prefetch(first + next.point as usize);
            }
            let point = first + pending.point as usize;
            self.judged.push((index.squared_distance(query, point), point));
        }
        self.pending.clear();
        if self.judged.len() > 1 {
            self.judged.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        self.judged.truncate(self.k);
        *limit = limit.min(bounds.limit(self.threshold()));
    }

    /// The nearest points, all judged.
    pub(super) fn nearest(&self) -> &[(f64, usize)] {
        &self.judged
    }

    /// Adds what another search found among other points.
    pub(super) fn merge(&mut self, found: &[(f64, usize)]) {
        for &(squared, point) in found {
            self.offer(squared, point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn offers_agree_with_sorting(values in proptest::collection::vec(0u8..9, 1..50), k in 1usize..8) {
            let mut candidates = Candidates::default();
            candidates.reset(k);
            for (index, &value) in values.iter().enumerate().rev() {
                if f64::from(value) <= candidates.threshold() {
                    candidates.offer(f64::from(value), index);
                }
            }
            let mut sorted: Vec<(f64, usize)> =
                values.iter().enumerate().map(|(i, &v)| (f64::from(v), i)).collect();
            sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
            sorted.truncate(k);
            prop_assert_eq!(candidates.nearest(), sorted);
        }
    }
}

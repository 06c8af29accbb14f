//! The points that may be among the k nearest of one query.

use std::cmp::Ordering;

use super::{NeighbourIndex, key_bounds::Keys};
use crate::kernel::{KEY_LANES, MANY, lanes_of};

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
    /// A point further away is not offered.
    ceiling: f64,
    /// The least of what pending points hold as `beside`, where k is small.
    least: [f32; SMALL],
}

/// Up to so many neighbours, the limit falls with every point.
const SMALL: usize = 4;

/// Nearer points first, of equally near ones the lower number.
fn by_distance(a: &(f64, usize), b: &(f64, usize)) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
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
        self.ceiling = f64::INFINITY;
        self.least = [f32::MAX; SMALL];
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

    /// Takes the one nearest point, judged, when nothing else was offered.
    pub(super) fn settle(&mut self, squared: f64, point: usize) {
        self.judged.push((squared, point));
    }

    /// Adds points that were judged, number `first` and the following, in any order; the last call
    /// must be followed by [`sort`](Self::sort).
    #[inline(always)]
    pub(super) fn offer_all(&mut self, squared: &[f64], first: usize, own: Option<usize>) {
        if self.k > 1 {
            for (&squared, point) in squared.iter().zip(first..) {
                if squared <= self.ceiling && own != Some(point) {
                    self.judged.push((squared, point));
                }
            }
            if self.judged.len() >= 2 * self.k + ROOM {
                self.judged.select_nth_unstable_by(self.k - 1, by_distance);
                self.judged.truncate(self.k);
                self.ceiling = self.judged[self.k - 1].0;
            }
            return;
        }
        for (&squared, point) in squared.iter().zip(first..) {
            if own != Some(point) && self.judged.first().is_none_or(|held| squared < held.0) {
                self.judged.clear();
                self.judged.push((squared, point));
            }
        }
    }

    /// Orders what was judged and forgets all but the k nearest.
    pub(super) fn sort(&mut self) {
        if self.judged.len() > 2 * self.k {
            self.judged.select_nth_unstable_by(self.k - 1, by_distance);
            self.judged.truncate(self.k);
        }
        if self.judged.len() > 1 {
            self.judged.sort_unstable_by(by_distance);
        }
        self.judged.truncate(self.k);
    }

    /// Adds the points of `mask`, lane after lane number `point(lane)`, and lowers the limit.
    pub(super) fn add(
        &mut self,
        against: Against<'_, '_>,
        bounds: &Keys,
        (mask, keys, starts): (u32, &[f32; KEY_LANES], &[f32]),
        point: impl Fn(usize) -> usize,
        limit: &mut f32,
    ) {
        let mut mask = mask;
        if self.k == 1 && against.own.is_none() && mask.count_ones() > 2 {
            let least = keys.iter().fold(f32::INFINITY, |least, &key| least.min(key));
            if let Some(lane) = keys.iter().position(|&key| key == least) {
                *limit = limit.min(bounds.limit_beside(least, starts[lane]));
                // Most often only one is left.
                let left: u32 = keys.iter().map(|&key| u32::from(key <= *limit)).sum();
                if left == 1 {
                    mask = 1 << lane;
                }
            }
        }
        for lane in lanes_of(mask) {
            let key = keys[lane];
            if key > *limit {
                continue;
            }
            let point = point(lane);
            if against.own == Some(point) {
                continue;
            }
            let beside = bounds.limit_beside(key, starts[lane]);
            self.pending.push(Pending { key, beside, point: (point - against.first) as u32 });
            if self.k <= SMALL {
                *limit = limit.min(self.kth_least(beside));
            }
        }
        if self.pending.len() >= self.k + self.k.max(ROOM) {
            self.discard(limit);
            if self.pending.len() >= self.k + self.k.max(ROOM) / 2 {
                self.judge(against, bounds, limit);
            }
        }
    }

    /// The k-th least of what pending points hold as `beside`, with one more.
    fn kth_least(&mut self, beside: f32) -> f32 {
        let mut carried = beside;
        for held in &mut self.least[..self.k] {
            (*held, carried) = (held.min(carried), held.max(carried));
        }
        self.least[self.k - 1]
    }

    /// Discards what the k-th of the pending excludes.
    fn discard(&mut self, limit: &mut f32) {
        if self.k > SMALL && self.k <= self.pending.len() {
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
        for (number, some) in self.pending.chunks(MANY).enumerate() {
            for next in self.pending.iter().skip((number + 1) * MANY).take(MANY) {
                index.prefetch(first + next.point as usize);
            }
            let points: [usize; MANY] =
                std::array::from_fn(|place| first + some[place.min(some.len() - 1)].point as usize);
            let [squared] = index.squared_distances([query], points);
            self.judged.extend(squared.into_iter().zip(points).take(some.len()));
        }
        self.pending.clear();
        self.sort();
        *limit = limit.min(bounds.limit(self.threshold()));
    }

    /// Judges some points, in any order, after all others were judged.
    pub(super) fn judge_all(&mut self, against: Against<'_, '_>, points: &[usize]) {
        let Against { index, query, .. } = against;
        for (number, &point) in points.iter().enumerate() {
            if let Some(&next) = points.get(number + MANY) {
                index.prefetch(next);
            }
            if index.may_be_within(query, point, self.threshold()) {
                let squared = index.squared_distance(query, point);
                if squared <= self.threshold() {
                    self.offer(squared, point);
                }
            }
        }
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

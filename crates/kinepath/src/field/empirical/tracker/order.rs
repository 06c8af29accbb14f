//! Which samples share a group.

use ndarray::Axis;
use rayon::prelude::*;

use super::{Group, Tracker};
use crate::kernel::{LANES, squared_distance};

impl Tracker<'_> {
    /// Brings samples together whose posteriors have means near each other, if no more samples than
    /// points are followed.
    ///
    /// They go on to drop much the same points, so that what is left is live for many of a group.
    /// The means soon after the start tell this as well as later ones.
    pub(super) fn regroup(&mut self) {
        if self.rows.len() <= LANES || self.rows.len() > self.prepared.all.points {
            return;
        }
        let means: Vec<&[f64]> = self.rows.iter().map(|row| &row.latest.mean[..]).collect();
        let order = by_nearness(&means);
        let regrouped = |members: &[usize]| {
            let mut live = vec![0; self.prepared.all.points];
            for (lane, &row) in members.iter().enumerate() {
                for (new, old) in live.iter_mut().zip(&self.groups[row / LANES].live) {
                    *new |= (old >> (row % LANES) & 1) << lane;
                }
            }
            Group { live }
        };
        self.groups = order.par_chunks(LANES).map(regrouped).collect();
        self.x = self.x.select(Axis(0), &order);
        let mut rows: Vec<_> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        self.rows = order.iter().filter_map(|&row| rows[row].take()).collect();
        self.samples = order.iter().map(|&row| self.samples[row]).collect();
        for (place, &sample) in self.samples.iter().enumerate() {
            self.places[sample] = place;
        }
    }
}

/// An order of means in which each [`LANES`] are near each other: of those left, the one furthest
/// from their centre and its nearest.
fn by_nearness(means: &[&[f64]]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..means.len()).collect();
    let mut order = Vec::with_capacity(means.len());
    while !left.is_empty() {
        let mut centre = vec![0.0; means[0].len()];
        for &row in &left {
            centre.iter_mut().zip(means[row]).for_each(|(sum, mean)| *sum += mean);
        }
        centre.iter_mut().for_each(|sum| *sum /= left.len() as f64);
        let distances = |from: &[f64]| -> Vec<f64> {
            left.par_iter().map(|&row| squared_distance(means[row], 1.0, from)).collect()
        };
        let far = distances(&centre);
        let furthest = (0..left.len()).max_by(|&a, &b| far[a].total_cmp(&far[b])).unwrap_or(0);
        let near = distances(means[left[furthest]]);
        let mut nearest: Vec<usize> = (0..left.len()).collect();
        nearest.sort_by(|&a, &b| near[a].total_cmp(&near[b]));
        order.extend(nearest.iter().take(LANES).map(|&at| left[at]));
        left = nearest.into_iter().skip(LANES).map(|at| left[at]).collect();
        left.sort_unstable();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_come_together() {
        // Four clusters of unequal sizes, all multiples of a group, in turns.
        let sizes = [LANES, 2 * LANES, LANES, 3 * LANES];
        let mut left = sizes;
        let mut clusters = Vec::new();
        while left.iter().any(|&left| left > 0) {
            for (cluster, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                *left -= 1;
                clusters.push(cluster);
            }
        }
        let mean = |(i, &cluster): (usize, &usize)| {
            vec![100.0 * cluster as f64, (i as f64 * 0.7).sin(), (cluster as f64).powi(2) * 50.0]
        };
        let means: Vec<Vec<f64>> = clusters.iter().enumerate().map(mean).collect();
        let order = by_nearness(&means.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for group in order.chunks(LANES) {
            assert!(group.iter().all(|&row| clusters[row] == clusters[group[0]]));
        }
        let mut sorted = order;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..means.len()));
    }

    #[test]
    fn means_that_are_not_numbers_keep_every_sample() {
        let means = vec![vec![f64::NAN, 1.0]; 2 * LANES + 3];
        let mut order = by_nearness(&means.iter().map(Vec::as_slice).collect::<Vec<_>>());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..means.len()));
    }
}

//! Passes over the points for groups of samples.

use std::ops::Range;

use ndarray::{Axis, s};
use rayon::prelude::*;

use super::super::sums::Sums;
use super::super::sweep::States;
use super::Tracker;
use super::row::Support;
use crate::kernel::{LANES, vectorised, wide_product};
use crate::rows::values_mut;

/// Points of one task.
const SEGMENT: usize = 4096;
/// Tasks that the points are divided into at most, which bounds their memory.
const SEGMENTS: usize = 16;
/// A sample's points are listed one by one when at most one in so many is left.
const FEW: usize = 50;
/// Effective counts up to which the heaviest points are weighed in f64: in few dimensions and in many,
/// where the roundings of a score's many terms cancel.
const PRECISE: [f64; 2] = [256.0, 32.0];
/// The dimension from which there are many.
const MANY_DIMENSIONS: usize = 96;

impl Tracker<'_> {
    /// Passes over the points for all samples that are not listed.
    pub(super) fn sweep(&mut self) {
        let points = self.prepared.points(self.field);
        let segment = SEGMENT.max(points.nrows().div_ceil(SEGMENTS));
        let mut groups = std::mem::take(&mut self.groups);
        let found: Vec<Option<Sums>> = groups
            .par_iter_mut()
            .enumerate()
            .map(|(number, group)| {
                let members = self.members(number);
                if !members.clone().any(|row| self.is_swept(row)) {
                    return None;
                }
                let states = self.group(number);
                // Fixed parts, merged in their order: the number of threads changes no bit.
                let parts: Vec<Sums> = (group.live.par_chunks_mut(segment).enumerate())
                    .map(|(part, live)| states.sweep(points, self.prepared, part * segment, live))
                    .collect();
                let mut sums = parts.into_iter().reduce(Sums::merged)?;
                sums.add_heavy(self.x.slice(s![members, ..]), self.t, points, self.prepared);
                Some(sums)
            })
            .collect();
        self.groups = groups;
        let (prepared, tau) = (self.prepared, self.tau());
        self.rows.par_chunks_mut(LANES).zip(&found).for_each(|(rows, sums)| {
            let Some(sums) = sums else { return };
            for (lane, row) in rows.iter_mut().enumerate() {
                if matches!(row.support, Support::Swept) {
                    row.take(tau, sums, lane, prepared);
                }
            }
        });
        for index in (0..self.rows.len()).filter(|&row| self.is_swept(row)).collect::<Vec<_>>() {
            let left = self.rows[index].latest.live.points;
            if left * FEW <= prepared.all.points || left == 1 {
                self.list(index);
            }
        }
    }

    /// The samples of a group.
    fn members(&self, group: usize) -> Range<usize> {
        group * LANES..((group + 1) * LANES).min(self.rows.len())
    }

    fn is_swept(&self, row: usize) -> bool {
        matches!(self.rows[row].support, Support::Swept)
    }

    /// The states of a group relative to the centre; those of listed samples are 0.
    fn group(&self, group: usize) -> States {
        let (t, members) = (self.t, self.members(group));
        let u = t / (1.0 - t);
        let mut states = self.x.slice(s![members.clone(), ..]).to_owned();
        let mut bounds = [0.0; LANES];
        for ((lane, row), mut state) in members.enumerate().zip(states.axis_iter_mut(Axis(0))) {
            if !self.is_swept(row) {
                state.fill(0.0);
                continue;
            }
            // Gibbs' inequality with the latest posterior: scores are linear in points and norms.
            let latest = &self.rows[row].latest;
            let (state, centre) = (values_mut(state), &self.prepared.centre);
            let scale = 1.0 / (1.0 - t);
            vectorised(
                #[inline(always)]
                || {
                    for (x, c) in state.iter_mut().zip(centre) {
                        *x = (*x - t * c) * scale;
                    }
                },
            );
            let to_mean = wide_product(state, &latest.mean) - wide_product(state, centre);
            bounds[lane] = u * to_mean - 0.5 * u * u * latest.squared_norm + latest.entropy;
        }
        let most = PRECISE[usize::from(states.ncols() >= MANY_DIMENSIONS)];
        let precise = std::array::from_fn(|lane| {
            let row = self.rows.get(group * LANES + lane);
            row.is_some_and(|row| row.latest.effective_count <= most)
        });
        States::new(states.view(), u, bounds, self.prepared, self.tau(), precise)
    }
}

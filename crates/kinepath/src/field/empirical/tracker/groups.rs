//! Passes over the points for groups of samples.

use std::ops::Range;

use ndarray::{Axis, s};
use rayon::prelude::*;

use super::super::latest::{Latest, Live};
use super::super::sums::Sums;
use super::super::sweep::States;
use super::row::Support;
use super::{Tracker, distance};
use crate::kernel::LANES;

/// Points of one task.
const SEGMENT: usize = 4096;
/// Tasks that the points are divided into at most, which bounds their memory.
const SEGMENTS: usize = 16;
/// A sample's points are listed one by one when at most one in so many is left.
const FEW: usize = 50;
/// An effective count up to which the heaviest points are weighed in f64.
const PRECISE: f64 = 32.0;

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
        for (group, sums) in found.iter().enumerate() {
            let Some(sums) = sums else { continue };
            for (lane, row) in self.members(group).enumerate() {
                if self.is_swept(row) {
                    self.take(row, sums, lane);
                }
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
            let mut to_mean = 0.0;
            for ((x, c), mean) in state.iter_mut().zip(&self.prepared.centre).zip(&latest.mean) {
                *x = (*x - t * c) / (1.0 - t);
                to_mean += *x * (mean - c);
            }
            bounds[lane] = u * to_mean - 0.5 * u * u * latest.squared_norm + latest.entropy;
        }
        let precise = std::array::from_fn(|lane| {
            let row = self.rows.get(group * LANES + lane);
            row.is_some_and(|row| row.latest.effective_count <= PRECISE)
        });
        States::new(states.view(), u, bounds, self.prepared, self.tau(), precise)
    }

    /// Takes what a sweep has found for a sample.
    fn take(&mut self, index: usize, sums: &Sums, lane: usize) {
        let tau = self.tau();
        let row = &mut self.rows[index];
        let total = sums.total[lane];
        let mean: Vec<f64> = sums.points.row(lane).iter().map(|sum| sum / total).collect();
        let squared_norm = sums.squared_norm[lane] / total;
        let to_centre = distance(&mean, &self.prepared.centre);
        let live = Live { points: sums.live_points[lane] as usize, rows: sums.live_rows[lane] };
        row.replace(
            tau,
            sums.dropped[lane] / total,
            Latest {
                variance: (squared_norm - to_centre * to_centre).max(0.0),
                mean,
                squared_norm,
                entropy: total.ln() - sums.score[lane] / total,
                effective_count: total * total / sums.squares[lane],
                top: sums.position[lane],
                live,
                score_error: row.latest.score_error,
            },
        );
        if live.points * FEW <= self.prepared.all.points || live.points == 1 {
            self.list(index);
        }
    }
}

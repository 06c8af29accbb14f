//! Exact distances of queries to the points of an index.

use std::{array::from_fn, ops::Range};

use ndarray::ArrayView1;

use super::{NeighbourIndex, distance::squared_distance, key_space::UNIT};
use crate::kernel::{MANY, prefetch, squared_difference, squared_distances};

/// Above what the rounding of one product of f32 can add where it nearly underflows.
const LOST: f64 = 1.0e-44;

impl NeighbourIndex<'_> {
    /// Exact squared distance of `query` to point number `point`.
    pub(in crate::metrics) fn squared_distance<'q>(
        &self,
        query: impl Into<ArrayView1<'q, f32>>,
        point: usize,
    ) -> f64 {
        squared_distance(query.into(), self.source.row(self.row(point)))
    }

    /// Whether a squared distance may be at most `squared`, by a quick look.
    pub(super) fn may_be_within(&self, query: &[f32], point: usize, squared: f64) -> bool {
        let row = self.source.row(self.row(point));
        row.to_slice().is_none_or(|row| {
            let about = f64::from(squared_difference(query, row));
            // An overflow tells nothing. What underflows only makes distances smaller, but for
            // the rounding of what is nearly lost.
            let dimension = row.len() as f64;
            let least = about * (1.0 - (dimension + 12.0) * UNIT) - LOST * dimension;
            !about.is_finite() || least <= squared
        })
    }

    /// Calls `visit(query, first, squared)` with the exact squared distances of each query to a few
    /// points at a time.
    pub(super) fn distances<const Q: usize>(
        &self,
        queries: [&[f32]; Q],
        points: Range<usize>,
        mut visit: impl FnMut(usize, usize, &[f64]),
    ) {
        for first in points.clone().step_by(MANY) {
            match points.end - first {
                1 => self.visit::<Q, 1>(queries, first, &mut visit),
                2 => self.visit::<Q, 2>(queries, first, &mut visit),
                3 => self.visit::<Q, 3>(queries, first, &mut visit),
                _ => self.visit::<Q, MANY>(queries, first, &mut visit),
            }
        }
    }

    fn visit<const Q: usize, const N: usize>(
        &self,
        queries: [&[f32]; Q],
        first: usize,
        visit: &mut impl FnMut(usize, usize, &[f64]),
    ) {
        let squared = self.squared_distances::<Q, N>(queries, from_fn(|i| first + i));
        squared.iter().enumerate().for_each(|(query, squared)| visit(query, first, squared));
    }

    /// Exact squared distances of some points.
    pub(super) fn squared_distances<const Q: usize, const N: usize>(
        &self,
        queries: [&[f32]; Q],
        points: [usize; N],
    ) -> [[f64; N]; Q] {
        let rows = points.map(|point| self.source.row(self.row(point)));
        let slices = rows.map(|row| row.to_slice().unwrap_or_default());
        if slices.iter().all(|slice| slice.len() == self.dimension()) {
            return squared_distances(queries, slices);
        }
        queries.map(|query| rows.map(|row| squared_distance(query.into(), row)))
    }

    /// Asks for a point that will be judged soon.
    pub(super) fn prefetch(&self, point: usize) {
        if let Some(values) = self.source.row(self.row(point)).to_slice() {
            prefetch(values);
        }
    }
}

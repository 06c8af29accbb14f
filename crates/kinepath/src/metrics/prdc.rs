//! Precision, recall, density and coverage.

use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::MetricsError,
    neighbours::{NeighbourIndex, Neighbours, QUERY_ROWS},
};

/// Relative slack around a radius inside which a bound decides nothing.
const ROUNDING: f64 = 1.0e-14;
/// Neighbours that are kept of each generated point, in units of k: in an eighth of the points, all
/// but one in two hundred have k of theirs among them where k = 5.
const REACH: usize = 20;

/// How well generated features cover real ones, and how well they stay among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prdc {
    /// Share of generated points inside the k-NN ball of some real point.
    pub precision: f64,
    /// Share of real points inside the k-NN ball of some generated point.
    pub recall: f64,
    /// Mean number of real balls a generated point lies in, divided by k; can exceed 1.
    pub density: f64,
    /// Share of real points whose k-NN ball holds a generated point.
    pub coverage: f64,
}

/// Real features and the radii of their k-NN balls, computed once for any number of comparisons.
///
/// A ball reaches to the k-th nearest *other row*: an exact duplicate is a neighbour at distance 0.
/// A point is inside when its distance is strictly smaller than the radius. Naeem et al. (2020),
/// "Reliable fidelity and diversity metrics for generative models"; agrees with the package `prdc`
/// (there `k = 5`).
///
/// # Example
/// ```
/// use kinepath::metrics::PrdcReference;
/// use ndarray::array;
///
/// let real = array![[0.0f32], [1.0], [2.0]];
/// let reference = PrdcReference::new(real.view(), 1)?;
/// let scores = reference.compare(array![[0.5f32], [0.75], [9.0]].view())?.scores();
/// assert_eq!((scores.precision, scores.coverage), (2.0 / 3.0, 2.0 / 3.0));
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PrdcReference<'a> {
    index: NeighbourIndex<'a>,
    radii: Vec<f64>,
    k: usize,
}

/// Where generated and real points lie in each other's balls.
///
/// Memory grows with the number of points, not of pairs.
#[derive(Debug, Clone)]
pub struct PrdcComparison {
    pub(super) k: usize,
    /// For each generated point the number of real balls it lies in.
    pub(super) balls: Vec<u32>,
    /// For each real point the generated points in its ball, increasing.
    pub(super) covering: Vec<Vec<u32>>,
    /// For each real point the generated points that it is near to, increasing.
    pub(super) near: Vec<Vec<Near>>,
    /// For each generated point its nearest others in order, shape `[M, 20 k]` or all of them.
    pub(super) nearest: Array2<u32>,
}

/// A generated point that a real one is near to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    /// The generated point.
    pub(super) point: u32,
    /// How many other generated points are no further from it than the real one: below k, the real
    /// point is in its ball.
    pub(super) rank: u32,
}

impl<'a> PrdcReference<'a> {
    /// Computes the radii of `real`, shape `[N, F]`, an array or a view.
    ///
    /// # Errors
    /// [`MetricsError::ZeroNeighbours`] for `k = 0`, [`MetricsError::TooFewPoints`] below `k + 1`
    /// rows, [`MetricsError::Empty`], [`MetricsError::NotFinite`].
    pub fn new(real: impl Into<CowArray<'a, f32, Ix2>>, k: usize) -> Result<Self, MetricsError> {
        let index = NeighbourIndex::over_rows(real)?;
        let radii = index.search_self(k)?.distances.column(k - 1).to_vec();
        Ok(Self { index, radii, k })
    }

    /// Places `generated`, shape `[M, F]`, among the real points.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] below `k + 2` rows: each has k others, also when
    /// [`PrdcComparison::contributions`] leaves out one. [`MetricsError::Empty`],
    /// [`MetricsError::NotFinite`], [`MetricsError::DimensionMismatch`].
    pub fn compare(&self, generated: ArrayView2<'_, f32>) -> Result<PrdcComparison, MetricsError> {
        self.index.check_queries(&generated)?;
        let reach = (REACH * self.k).min(generated.nrows().saturating_sub(1)).max(self.k + 1);
        let Neighbours { indices, distances } =
            NeighbourIndex::over_rows(generated)?.search_self(reach)?;
        self.index.prepared();
        let chunks: Vec<Chunk> = (0..generated.nrows().div_ceil(QUERY_ROWS))
            .into_par_iter()
            .map(|task| {
                let first = task * QUERY_ROWS;
                let rows = s![first..(first + QUERY_ROWS).min(generated.nrows()), ..];
                self.place(first, generated.slice(rows), distances.slice(rows))
            })
            .collect();
        let mut comparison = PrdcComparison {
            k: self.k,
            balls: Vec::with_capacity(generated.nrows()),
            covering: vec![Vec::new(); self.index.len()],
            near: vec![Vec::new(); self.index.len()],
            nearest: indices.mapv(|index| index as u32),
        };
        for chunk in chunks {
            comparison.balls.extend(chunk.balls);
            for (real, point) in chunk.covering {
                comparison.covering[real].push(point);
            }
            for (real, near) in chunk.near {
                comparison.near[real].push(near);
            }
        }
        Ok(comparison)
    }

    /// Places the generated points from number `offset` on, with the distances to their nearest
    /// others: bounds decide most pairs, exact distances the rest.
    fn place(
        &self,
        offset: usize,
        generated: ArrayView2<'_, f32>,
        distances: ArrayView2<'_, f64>,
    ) -> Chunk {
        let mut placed = Chunk { balls: vec![0; generated.nrows()], ..Chunk::default() };
        self.index.scan(generated, |query, real, low, high| {
            let others = distances.row(query);
            let reach = others[others.len() - 1];
            let own = self.radii[real];
            if outside(low, own.max(reach)) {
                return;
            }
            let number = (offset + query) as u32;
            let mut exact = None;
            let mut distance = || {
                *exact.get_or_insert_with(|| {
                    self.index.squared_distance(generated.row(query), real).sqrt()
                })
            };
            if !outside(low, own) && (inside(high, own) || distance() < own) {
                placed.balls[query] += 1;
                placed.covering.push((real, number));
            }
            if !outside(low, reach) && distance() < reach {
                let rank = others.iter().filter(|&&other| other <= distance()).count() as u32;
                placed.near.push((real, Near { point: number, rank }));
            }
        });
        placed
    }
}

/// What is found of some generated points.
#[derive(Debug, Default)]
struct Chunk {
    /// For each of them the number of real balls it lies in.
    balls: Vec<u32>,
    /// Real points and generated points in their balls.
    covering: Vec<(usize, u32)>,
    /// Real points and the generated points that they are near to.
    near: Vec<(usize, Near)>,
}

impl PrdcComparison {
    /// The four figures.
    #[must_use]
    pub fn scores(&self) -> Prdc {
        let generated = self.balls.len() as f64;
        let inside = self.balls.iter().filter(|&&balls| balls > 0).count();
        let total: u64 = self.balls.iter().map(|&balls| u64::from(balls)).sum();
        Prdc {
            precision: inside as f64 / generated,
            recall: self.share(|real| self.holders(real).next().is_some()),
            density: total as f64 / generated / self.k as f64,
            coverage: self.share(|real| !self.covering[real].is_empty()),
        }
    }

    /// The generated points in whose balls a real one lies.
    pub(super) fn holders(&self, real: usize) -> impl Iterator<Item = u32> {
        let k = self.k as u32;
        self.near[real].iter().filter(move |near| near.rank < k).map(|near| near.point)
    }

    /// The share of real points that something is true of.
    fn share(&self, is_true: impl Fn(usize) -> bool) -> f64 {
        let real = self.near.len();
        (0..real).filter(|&number| is_true(number)).count() as f64 / real as f64
    }
}

/// Whether a lower bound on a squared distance already shows it to be beyond the radius.
fn outside(low: f64, radius: f64) -> bool {
    low > radius * radius * (1.0 + ROUNDING)
}

/// Whether an upper bound on a squared distance already shows it to be within the radius.
fn inside(high: f64, radius: f64) -> bool {
    high < radius * radius * (1.0 - ROUNDING)
}

#[cfg(test)]
mod tests;

//! Precision, recall, density and coverage.

use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::MetricsError,
    neighbours::{NeighbourIndex, Neighbours},
    prdc_contributions::{Holders, share_held},
    prepared::QUERY_ROWS,
};

/// Relative slack around a radius inside which a bound decides nothing.
const ROUNDING: f64 = 1.0e-14;

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
    pub(super) placed: Placed,
    /// For each generated point its k nearest others, shape `[M, k]`.
    pub(super) nearest: Array2<usize>,
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
        let Neighbours { indices, distances } =
            NeighbourIndex::over_rows(generated)?.search_self(self.k + 1)?;
        let placed = (0..generated.nrows().div_ceil(QUERY_ROWS))
            .into_par_iter()
            .map(|task| {
                let first = task * QUERY_ROWS;
                let rows = s![first..(first + QUERY_ROWS).min(generated.nrows()), ..];
                self.place(first, generated.slice(rows), distances.slice(rows))
            })
            .reduce(|| Placed::nothing(self.index.len()), Placed::followed_by);
        Ok(PrdcComparison { k: self.k, placed, nearest: indices.slice_move(s![.., ..self.k]) })
    }

    /// Places the generated points from number `offset` on, with the distances to their k + 1
    /// nearest others: bounds decide most pairs, exact distances the rest.
    fn place(
        &self,
        offset: usize,
        generated: ArrayView2<'_, f32>,
        distances: ArrayView2<'_, f64>,
    ) -> Placed {
        let mut placed = Placed::nothing(self.index.len());
        placed.balls = vec![0; generated.nrows()];
        self.index.scan(generated, |query, first, bounds, margin| {
            let (radius, next) = (distances[[query, self.k - 1]], distances[[query, self.k]]);
            for (point, &low) in (first..).zip(bounds) {
                let own = self.radii[point];
                if outside(low, own.max(next)) {
                    continue;
                }
                let high = low + self.index.bound_width(margin, point);
                let mut exact = None;
                let mut within = |radius| {
                    !outside(low, radius)
                        && (inside(high, radius)
                            || *exact.get_or_insert_with(|| {
                                self.index.squared_distance(generated, query, point).sqrt()
                            }) < radius)
                };
                if within(own) {
                    placed.balls[query] += 1;
                    placed.covered[point].enter(offset + query);
                }
                if within(radius) {
                    placed.recalled[point].enter(offset + query);
                } else if within(next) {
                    placed.recalled[point].approach(offset + query);
                }
            }
        });
        placed
    }
}

/// Where some generated points lie, and what of all real points lies in their balls.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// For each generated point the number of real balls it lies in.
    pub(super) balls: Vec<u32>,
    /// For each real point the generated points in its ball.
    pub(super) covered: Vec<Holders>,
    /// For each real point the generated points in whose balls it lies.
    pub(super) recalled: Vec<Holders>,
}

impl Placed {
    fn nothing(real: usize) -> Self {
        let nobody = vec![Holders::default(); real];
        Self { balls: Vec::new(), covered: nobody.clone(), recalled: nobody }
    }

    fn followed_by(mut self, later: Self) -> Self {
        self.balls.extend(later.balls);
        self.covered.iter_mut().zip(later.covered).for_each(|(own, later)| own.extend(later));
        self.recalled.iter_mut().zip(later.recalled).for_each(|(own, later)| own.extend(later));
        self
    }
}

impl PrdcComparison {
    /// The four figures.
    #[must_use]
    pub fn scores(&self) -> Prdc {
        let Placed { balls, covered, recalled } = &self.placed;
        let inside = balls.iter().filter(|&&balls| balls > 0).count();
        let total: u64 = balls.iter().map(|&balls| u64::from(balls)).sum();
        Prdc {
            precision: inside as f64 / balls.len() as f64,
            recall: share_held(recalled),
            density: total as f64 / balls.len() as f64 / self.k as f64,
            coverage: share_held(covered),
        }
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

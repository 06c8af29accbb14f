//! Precision, recall, density and coverage.

use ndarray::{ArrayView2, Axis, CowArray, Ix2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::{MetricsError, check_length, check_rows},
    neighbours::NeighbourIndex,
    pair_table::PairTable,
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

/// Which generated points lie in which real balls, and which real points in generated balls.
///
/// Two bits for each pair: 10 000 real against 50 000 generated points take 125 MB.
#[derive(Debug, Clone)]
pub struct PrdcComparison {
    k: usize,
    /// For each generated point the number of real balls it lies in.
    balls: Vec<u32>,
    /// For each generated point its bit in the tables.
    slots: Vec<usize>,
    /// Generated point in the ball of a real point.
    covering: PairTable,
    /// Real point in the ball of a generated point.
    recalling: PairTable,
}

impl<'a> PrdcReference<'a> {
    /// Computes the radii of `real`, shape `[N, F]`, an array or a view.
    ///
    /// # Errors
    /// [`MetricsError::ZeroNeighbours`] for `k = 0`, [`MetricsError::TooFewPoints`] below `k + 1`
    /// rows, [`MetricsError::Empty`], [`MetricsError::NotFinite`].
    pub fn new(real: impl Into<CowArray<'a, f32, Ix2>>, k: usize) -> Result<Self, MetricsError> {
        let index = NeighbourIndex::over_rows(real)?;
        let radii = radii(&index, k)?;
        Ok(Self { index, radii, k })
    }

    /// Places `generated`, shape `[M, F]`, among the real points.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] below `k + 1` rows, [`MetricsError::Empty`],
    /// [`MetricsError::NotFinite`], [`MetricsError::DimensionMismatch`].
    pub fn compare(&self, generated: ArrayView2<'_, f32>) -> Result<PrdcComparison, MetricsError> {
        self.index.check_queries(&generated)?;
        let generated_radii = radii(&NeighbourIndex::over_rows(generated)?, self.k)?;
        let chunks: Vec<(ArrayView2<'_, f32>, &[f64])> = generated
            .axis_chunks_iter(Axis(0), QUERY_ROWS)
            .zip(generated_radii.chunks(QUERY_ROWS))
            .collect();
        let placed: Vec<Placed> =
            chunks.into_par_iter().map(|(chunk, radii)| self.place(chunk, radii)).collect();
        let real = self.index.len();
        Ok(PrdcComparison {
            k: self.k,
            balls: placed.iter().flat_map(|chunk| &chunk.balls).copied().collect(),
            slots: (0..generated.nrows()).collect(),
            covering: PairTable::from_chunks(real, placed.iter().map(|chunk| &chunk.covering[..])),
            recalling: PairTable::from_chunks(
                real,
                placed.iter().map(|chunk| &chunk.recalling[..]),
            ),
        })
    }

    /// Places one chunk of generated points: bounds decide most pairs, exact distances the rest.
    fn place(&self, generated: ArrayView2<'_, f32>, generated_radii: &[f64]) -> Placed {
        let real = self.index.len();
        let mut placed = Placed {
            balls: vec![0; generated.nrows()],
            covering: vec![0; real],
            recalling: vec![0; real],
        };
        self.index.scan(generated, |query, first, bounds, margin| {
            for (point, &low) in (first..).zip(bounds) {
                let (own, other) = (self.radii[point], generated_radii[query]);
                if outside(low, own.max(other)) {
                    continue;
                }
                let high = low + self.index.bound_width(margin, point);
                let (covers, recalls) = if inside(high, own.min(other)) {
                    (true, true)
                } else {
                    let exact = self.index.squared_distance(generated, query, point).sqrt();
                    (exact < own, exact < other)
                };
                placed.balls[query] += u32::from(covers);
                placed.covering[point] |= u64::from(covers) << query;
                placed.recalling[point] |= u64::from(recalls) << query;
            }
        });
        placed
    }
}

/// The comparison of at most 64 generated points.
struct Placed {
    balls: Vec<u32>,
    covering: Vec<u64>,
    recalling: Vec<u64>,
}

impl PrdcComparison {
    /// Both sets of generated points as one: the rows of `b` come after the `n` rows of `a`.
    ///
    /// Every generated ball keeps the radius it has in its own set. A row therefore brings the same
    /// balls wherever it is picked, so that rows may be swapped between the sets, as a permutation
    /// test does; and picking the rows of one set gives the figures of that set. (The figures of
    /// the two sets compared as one array differ: there, radii shrink.)
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`] when the two were compared with references of another k or
    /// number of real points. That the real points themselves are the same is for the caller to see
    /// to.
    pub fn joined(a: &Self, b: &Self) -> Result<Self, MetricsError> {
        check_length("neighbours k", a.k, b.k)?;
        check_length("real points", a.covering.rows, b.covering.rows)?;
        let shift = a.covering.words * QUERY_ROWS;
        Ok(Self {
            k: a.k,
            balls: [&a.balls[..], &b.balls].concat(),
            slots: a.slots.iter().copied().chain(b.slots.iter().map(|slot| slot + shift)).collect(),
            covering: PairTable::beside(&a.covering, &b.covering),
            recalling: PairTable::beside(&a.recalling, &b.recalling),
        })
    }

    /// The four figures of all generated points.
    #[must_use]
    pub fn scores(&self) -> Prdc {
        let everything: Vec<usize> = (0..self.balls.len()).collect();
        self.of_rows(&everything)
    }

    /// The four figures of a resample of the generated points, at the cost of at most a pass
    /// over the bits.
    ///
    /// The balls of generated points keep the radii they have in the full set: in a bootstrap
    /// resample, repeated rows would otherwise shrink them to nothing. Precision and density are
    /// then plain means over generated points. Coverage and recall ask for *some* generated point,
    /// of which a bootstrap resample holds only 63 % distinct ones: their replicates lie below the
    /// figure of the full set, so use them for paired differences, not for intervals of the figure.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] for no indices, [`MetricsError::RowOutOfRange`].
    pub fn resampled(&self, indices: &[usize]) -> Result<Prdc, MetricsError> {
        check_rows("precision and recall", 1, self.balls.len(), indices)?;
        Ok(self.of_rows(indices))
    }

    fn of_rows(&self, indices: &[usize]) -> Prdc {
        let mut present = vec![0u64; self.covering.words];
        for &index in indices {
            let slot = self.slots[index];
            present[slot / QUERY_ROWS] |= 1 << (slot % QUERY_ROWS);
        }
        let count = indices.len() as f64;
        let hits = indices.iter().filter(|&&index| self.balls[index] > 0).count();
        let balls: u64 = indices.iter().map(|&index| u64::from(self.balls[index])).sum();
        Prdc {
            precision: hits as f64 / count,
            recall: self.recalling.share(&present),
            density: balls as f64 / count / self.k as f64,
            coverage: self.covering.share(&present),
        }
    }
}

/// Distance of each row to its k-th nearest other row.
fn radii(index: &NeighbourIndex<'_>, k: usize) -> Result<Vec<f64>, MetricsError> {
    Ok(index.search_self(k)?.distances.column(k - 1).to_vec())
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

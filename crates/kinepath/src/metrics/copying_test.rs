//! The three-sample test for data copying.

use super::error::{MetricsError, check_column, check_length, check_rows};

/// Held-out points that generated ones are compared with in their distance to the training set.
///
/// Every point has a *cell* of a partition of space (see [`Cells`](super::Cells)) and a distance to
/// its nearest training point, in a unit that both sets share. In each cell π a Mann–Whitney U test
/// asks whether generated points are as far away as held-out ones, and
///
/// ```text
/// U_π = #{(g, h): d(g) > d(h)} + ½ #{d(g) = d(h)}      z_π = (U_π − mn/2) / √(mn(m + n + 1)/12)
/// C_T = Σ P(π) z_π / Σ P(π)
/// ```
///
/// with m generated and n held-out points in the cell and P(π) the share of held-out points. Both
/// sums leave out cells with a share of generated points of at most τ, and cells without a held-out
/// point, whose weight is 0. `C_T ≪ 0`: generated points are closer to the training set than real
/// ones are, the model copies; `C_T ≫ 0`: it underfits; under equal distributions each z is nearly
/// standard normal. Meehan, Chaudhuri & Dasgupta (2020), "A Non-Parametric Test to Detect
/// Data-Copying in Generative Models", arXiv 2004.05675, §4. U agrees with
/// `scipy.stats.mannwhitneyu`; as in the paper, z has no correction for continuity and none for
/// ties. (The authors' code and `dgm-eval` add ½ to the numerator of z, and seek the nearest
/// training point in the cell alone, which differs near its border.)
///
/// # Example
/// ```
/// use kinepath::metrics::{Cells, CopyingReference, DistinctPoints, NeighbourIndex, gap_ratios};
/// use kinepath::noise::noise;
///
/// let training = noise(0, 0..200, 2);
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let cells = Cells::k_means(training.view(), 3, 0)?;
/// let held_out = noise(1, 0..200, 2);
/// let distances = gap_ratios(&index, held_out.view())?.d1;
/// let reference = CopyingReference::new(&cells.assign(held_out.view())?, &distances, 0.1)?;
///
/// // Near copies of the training points.
/// let copies = &training + 0.01f32;
/// let distances = gap_ratios(&index, copies.view())?.d1;
/// let test = reference.compare(&cells.assign(copies.view())?, &distances)?;
/// assert!(test.statistic()? < -5.0);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CopyingReference {
    /// For each cell the distances of its held-out points, ascending.
    held_out: Vec<Vec<f64>>,
    least_share: f64,
}

/// Generated points placed among the held-out points of their cells.
///
/// Each carries its part of U, so that a resample costs one pass over its rows. Held-out points stay
/// fixed. The rows of two runs may be placed together and picked from at will.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyingTest {
    cells: Vec<usize>,
    /// Held-out distances of its cell below that of the point, plus half of those equal to it.
    below: Vec<f64>,
    /// Held-out points in each cell; cells beyond have none.
    held_out: Vec<usize>,
    least_share: f64,
}

/// What the test finds in one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellScore {
    /// The cell.
    pub cell: usize,
    /// Held-out points in it, n ≥ 1.
    pub held_out: usize,
    /// Generated points in it, m ≥ 1.
    pub generated: usize,
    /// Mann–Whitney U of the generated points, in [0, mn].
    pub u: f64,
    /// Its z-score.
    pub z: f64,
}

impl CopyingReference {
    /// Takes the cell of each held-out point and its distance to its nearest training point.
    ///
    /// `least_share` is τ: a cell counts when it holds more than this share of the generated
    /// points. `dgm-eval` uses 20 divided by their number, with 3 cells.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] without points, [`MetricsError::LengthMismatch`] unless each
    /// has a distance, [`MetricsError::NotFinite`] for a NaN or infinite distance.
    pub fn new(cells: &[usize], distances: &[f64], least_share: f64) -> Result<Self, MetricsError> {
        check_placed("held-out points", cells, distances)?;
        let mut held_out = vec![Vec::new(); cells.iter().max().map_or(0, |largest| largest + 1)];
        for (&cell, &distance) in cells.iter().zip(distances) {
            held_out[cell].push(distance);
        }
        held_out.iter_mut().for_each(|distances| distances.sort_by(f64::total_cmp));
        Ok(Self { held_out, least_share })
    }

    /// Places generated points, given like the held-out ones.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn compare(&self, cells: &[usize], distances: &[f64]) -> Result<CopyingTest, MetricsError> {
        check_placed("generated points", cells, distances)?;
        let below = cells.iter().zip(distances).map(|(&cell, &distance)| {
            let held_out = self.held_out.get(cell).map_or(&[][..], Vec::as_slice);
            let less = held_out.partition_point(|&other| other < distance);
            let at_most = held_out.partition_point(|&other| other <= distance);
            (less + at_most) as f64 / 2.0
        });
        Ok(CopyingTest {
            cells: cells.to_vec(),
            below: below.collect(),
            held_out: self.held_out.iter().map(Vec::len).collect(),
            least_share: self.least_share,
        })
    }
}

impl CopyingTest {
    /// The points of `self` followed by those of `other`, so that a resample may mix both.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`] unless both were compared with the same held-out points.
    pub fn joined(&self, other: &Self) -> Result<Self, MetricsError> {
        let total = |test: &Self| test.held_out.iter().sum::<usize>();
        check_length("held-out points", total(self), total(other))?;
        check_length("cells", self.held_out.len(), other.held_out.len())?;
        for (own, other) in self.held_out.iter().zip(&other.held_out) {
            check_length("held-out points of a cell", *own, *other)?;
        }
        Ok(Self {
            cells: [&self.cells[..], &other.cells].concat(),
            below: [&self.below[..], &other.below].concat(),
            held_out: self.held_out.clone(),
            least_share: self.least_share,
        })
    }

    /// C_T of all generated points.
    ///
    /// # Errors
    /// [`MetricsError::NoSharedCell`] when no cell counts.
    pub fn statistic(&self) -> Result<f64, MetricsError> {
        self.of_rows(0..self.cells.len())
    }

    /// C_T of the generated points `indices`, each as often as it is named.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] for no indices, [`MetricsError::RowOutOfRange`],
    /// [`MetricsError::NoSharedCell`] when no cell counts.
    pub fn resampled(&self, indices: &[usize]) -> Result<f64, MetricsError> {
        check_rows("a copying test", 1, self.cells.len(), indices)?;
        self.of_rows(indices.iter().copied())
    }

    /// The cells that hold both held-out and generated points, in increasing order, whether they
    /// count in C_T or not.
    #[must_use]
    pub fn scores(&self) -> Vec<CellScore> {
        self.score_rows(0..self.cells.len())
    }

    fn of_rows(&self, rows: impl ExactSizeIterator<Item = usize>) -> Result<f64, MetricsError> {
        let generated = rows.len();
        let (mut sum, mut weight) = (0.0, 0.0);
        for score in self.score_rows(rows) {
            if score.generated as f64 / generated as f64 > self.least_share {
                sum += score.held_out as f64 * score.z;
                weight += score.held_out as f64;
            }
        }
        if weight > 0.0 {
            Ok(sum / weight)
        } else {
            Err(MetricsError::NoSharedCell { least_share: self.least_share, generated })
        }
    }

    fn score_rows(&self, rows: impl Iterator<Item = usize>) -> Vec<CellScore> {
        let mut sums = vec![(0usize, 0.0); self.held_out.len()];
        for row in rows {
            // A cell without held-out points has no place here and no weight in the statistic.
            if let Some((generated, u)) = sums.get_mut(self.cells[row]) {
                *generated += 1;
                *u += self.below[row];
            }
        }
        let score = |(cell, ((generated, u), &held_out)): (usize, ((usize, f64), &usize))| {
            let (m, n) = (generated as f64, held_out as f64);
            let z = (u - m * n / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt();
            (m * n > 0.0).then_some(CellScore { cell, held_out, generated, u, z })
        };
        sums.into_iter().zip(&self.held_out).enumerate().filter_map(score).collect()
    }
}

fn check_placed(
    what: &'static str,
    cells: &[usize],
    distances: &[f64],
) -> Result<(), MetricsError> {
    if cells.is_empty() {
        return Err(MetricsError::TooFewPoints { what, needed: 1, actual: 0 });
    }
    check_length("distances", cells.len(), distances.len())?;
    check_column("distances", distances)
}

#[cfg(test)]
mod tests;

//! Authenticity: is a sample nearer to a training point than any other training point is?

use std::collections::BTreeMap;

use ndarray::Axis;

use super::{
    error::{MetricsError, check_length, position_of_row},
    memorization::GapRatios,
    neighbours::NeighbourIndex,
};

/// Which samples are authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticity {
    /// One entry per sample, at least one.
    pub authentic: Vec<bool>,
}

/// Judges samples by their nearest training points, as [`gap_ratios`](super::gap_ratios) found them
/// in `training`.
///
/// A generated sample g whose nearest training point is x is *authentic* when
/// `d(g, x) > min d(x, x')` over the other training points x': it then does not look like a noisy
/// copy of x. Alaa et al. (2022), "How Faithful is your Synthetic Data?", arXiv 2102.08921, §4;
/// agrees with AuthPct of `dgm-eval` on training sets without duplicates.
///
/// The index should be over [distinct points](NeighbourIndex::new): with an exact duplicate, the
/// other point is at distance 0 and every copy would pass for authentic. Other training points are
/// sought only for those that are nearest to a sample.
///
/// # Errors
/// [`MetricsError::TooFewPoints`] without samples or with fewer than 2 (distinct) training points,
/// [`MetricsError::LengthMismatch`] unless each sample has a nearest point and a distance,
/// [`MetricsError::RowOutOfRange`] when a nearest row is not a point of the index.
///
/// # Example
/// ```
/// use kinepath::metrics::{DistinctPoints, NeighbourIndex, authenticity, gap_ratios};
/// use ndarray::array;
///
/// let training = array![[0.0f32], [1.0], [9.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let gaps = gap_ratios(&index, array![[0.5f32], [2.5], [7.0]].view())?;
/// let authenticity = authenticity(&index, &gaps)?;
/// assert_eq!(authenticity.authentic, [false, true, false]);
/// assert_eq!(authenticity.share(), 1.0 / 3.0);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn authenticity(
    training: &NeighbourIndex<'_>,
    gaps: &GapRatios,
) -> Result<Authenticity, MetricsError> {
    let samples = gaps.nearest.len();
    if samples == 0 {
        let what = "authenticity";
        return Err(MetricsError::TooFewPoints { what, needed: 1, actual: 0 });
    }
    check_length("distances", samples, gaps.d1.len())?;
    let mut own: BTreeMap<usize, f64> = gaps.nearest.iter().map(|&row| (row, 0.0)).collect();
    let rows: Vec<usize> = own.keys().copied().collect();
    for &row in &rows {
        position_of_row(training.rows(), row)?;
    }
    // The nearest of a point is itself, or its equal.
    let found = training.search(training.source().select(Axis(0), &rows).view(), 2)?;
    own.values_mut().zip(found.distances.column(1)).for_each(|(own, &d)| *own = d);
    let authentic = gaps.nearest.iter().zip(&gaps.d1).map(|(row, &d1)| d1 > own[row]).collect();
    Ok(Authenticity { authentic })
}

impl Authenticity {
    /// The share of authentic samples, in [0, 1]: AuthPct is 100 times this.
    #[must_use]
    pub fn share(&self) -> f64 {
        let authentic = self.authentic.iter().filter(|&&authentic| authentic).count();
        authentic as f64 / self.authentic.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{DistinctPoints, gap_ratios};
    use ndarray::{Array2, array};

    fn distinct(points: Array2<f32>) -> NeighbourIndex<'static> {
        NeighbourIndex::new(DistinctPoints::new(points).unwrap())
    }

    #[test]
    fn duplicates_do_not_make_copies_authentic_and_ties_are_not_authentic() {
        let index = distinct(array![[0.0f32], [0.0], [4.0], [9.0]]);
        // Distances to the nearest: 1 < 4, 4 = 4 from the other side, 5.5 > 5.
        let samples = array![[1.0f32], [-4.0], [14.5]];
        let gaps = gap_ratios(&index, samples.view()).unwrap();
        assert_eq!(authenticity(&index, &gaps).unwrap().authentic, [false, false, true]);
    }

    #[test]
    fn refuses_bad_input() {
        let index = distinct(array![[1.0f32], [2.0]]);
        let gaps = |nearest: &[usize], d1: &[f64]| GapRatios {
            nearest: nearest.to_vec(),
            d1: d1.to_vec(),
            d2: vec![],
            ratio: vec![],
        };
        assert_eq!(
            authenticity(&index, &gaps(&[1, 2], &[0.5, 0.5])).unwrap_err(),
            MetricsError::RowOutOfRange { actual: 2, rows: 2 }
        );
        assert_eq!(
            authenticity(&index, &gaps(&[1], &[])).unwrap_err(),
            MetricsError::LengthMismatch { what: "distances", expected: 1, actual: 0 }
        );
        assert_eq!(
            authenticity(&index, &gaps(&[], &[])).unwrap_err(),
            MetricsError::TooFewPoints { what: "authenticity", needed: 1, actual: 0 }
        );
        assert_eq!(
            authenticity(&distinct(array![[1.0f32], [1.0]]), &gaps(&[0], &[0.5])).unwrap_err(),
            MetricsError::TooFewPoints { what: "nearest neighbours", needed: 2, actual: 1 }
        );
    }
}

//! Authenticity: is a sample nearer to a training point than any other training point is?

use super::{
    error::{MetricsError, check_length, position_of_row},
    memorization::GapRatios,
    neighbours::NeighbourIndex,
};

/// The distance of each training point to its nearest other one, computed once.
///
/// A generated sample g whose nearest training point is x is *authentic* when
/// `d(g, x) > min d(x, x')` over the other training points x': it then does not look like a noisy
/// copy of x. Alaa et al. (2022), "How Faithful is your Synthetic Data?", arXiv 2102.08921, §4;
/// agrees with AuthPct of `dgm-eval` on training sets without duplicates.
///
/// The index should be over [distinct points](NeighbourIndex::new): with an exact duplicate, the
/// other point is at distance 0 and every copy would pass for authentic.
///
/// # Example
/// ```
/// use kinepath::metrics::{AuthenticityReference, DistinctPoints, NeighbourIndex, gap_ratios};
/// use ndarray::array;
///
/// let training = array![[0.0f32], [1.0], [9.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let reference = AuthenticityReference::new(&index)?;
/// let gaps = gap_ratios(&index, array![[0.5f32], [2.5], [7.0]].view())?;
/// let authenticity = reference.judge(&gaps)?;
/// assert_eq!(authenticity.authentic, [false, true, false]);
/// assert_eq!(authenticity.share(), 1.0 / 3.0);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AuthenticityReference {
    /// Rows of the training points, increasing.
    rows: Vec<usize>,
    /// Distance of each to its nearest other point, in data units.
    own: Vec<f64>,
}

/// Which samples are authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticity {
    /// One entry per sample, at least one.
    pub authentic: Vec<bool>,
}

impl AuthenticityReference {
    /// Searches the nearest other point of every training point.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] with fewer than 2 (distinct) training points.
    pub fn new(training: &NeighbourIndex<'_>) -> Result<Self, MetricsError> {
        let own = training.search_self(1)?.distances.column(0).to_vec();
        Ok(Self { rows: training.rows().to_vec(), own })
    }

    /// Judges samples by their nearest training points, as [`gap_ratios`](super::gap_ratios) found
    /// them in the same index.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] without samples, [`MetricsError::LengthMismatch`] unless each
    /// has a nearest point and a distance, [`MetricsError::RowOutOfRange`] when a nearest row is not
    /// a point of the index.
    pub fn judge(&self, gaps: &GapRatios) -> Result<Authenticity, MetricsError> {
        if gaps.nearest.is_empty() {
            return Err(MetricsError::TooFewPoints { what: "authenticity", needed: 1, actual: 0 });
        }
        check_length("distances", gaps.nearest.len(), gaps.d1.len())?;
        let judge = |(&nearest, &distance): (&usize, &f64)| {
            Ok(distance > self.own[position_of_row(&self.rows, nearest)?])
        };
        let authentic = gaps.nearest.iter().zip(&gaps.d1).map(judge).collect::<Result<_, _>>()?;
        Ok(Authenticity { authentic })
    }
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
        let reference = AuthenticityReference::new(&index).unwrap();
        // Distances to the nearest: 1 < 4, 4 = 4 from the other side, 5.5 > 5.
        let samples = array![[1.0f32], [-4.0], [14.5]];
        let gaps = gap_ratios(&index, samples.view()).unwrap();
        assert_eq!(reference.judge(&gaps).unwrap().authentic, [false, false, true]);
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            AuthenticityReference::new(&distinct(array![[1.0f32], [1.0]])).unwrap_err(),
            MetricsError::TooFewPoints { what: "nearest neighbours", needed: 2, actual: 1 }
        );
        let reference = AuthenticityReference::new(&distinct(array![[1.0f32], [2.0]])).unwrap();
        let gaps = |nearest: &[usize], d1: &[f64]| GapRatios {
            nearest: nearest.to_vec(),
            d1: d1.to_vec(),
            d2: vec![],
            ratio: vec![],
        };
        assert_eq!(
            reference.judge(&gaps(&[1, 2], &[0.5, 0.5])).unwrap_err(),
            MetricsError::RowOutOfRange { actual: 2, rows: 2 }
        );
        assert_eq!(
            reference.judge(&gaps(&[1], &[])).unwrap_err(),
            MetricsError::LengthMismatch { what: "distances", expected: 1, actual: 0 }
        );
        assert_eq!(
            reference.judge(&gaps(&[], &[])).unwrap_err(),
            MetricsError::TooFewPoints { what: "authenticity", needed: 1, actual: 0 }
        );
    }
}

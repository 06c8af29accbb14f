//! Which training points are copied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    error::{MetricsError, position_of_row},
    memorization::GapRatios,
    neighbours::NeighbourIndex,
};

/// A training point and how often it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedPoint {
    /// Its row; of exact duplicates the first.
    pub row: usize,
    /// Number of training rows it stands for.
    pub multiplicity: usize,
    /// Memorized samples whose nearest training point it is, at least 1.
    pub samples: usize,
}

/// The training points with a memorized sample (gap ratio below `threshold`), most copied first;
/// of equal counts the lower row first.
///
/// A multiplicity above 1 among the first says that duplicates in the training set drive the
/// copying.
///
/// # Errors
/// [`MetricsError::RowOutOfRange`] when a nearest row is not a point of `training`, the index that
/// `gaps` were measured with.
///
/// # Example
/// ```
/// use kinepath::metrics::{
///     CopiedPoint, DistinctPoints, GAP_THRESHOLD, NeighbourIndex, gap_ratios, most_copied,
/// };
/// use ndarray::array;
///
/// let training = array![[9.0f32], [0.0], [0.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let gaps = gap_ratios(&index, array![[0.1f32], [8.9], [0.2], [4.0]].view())?;
/// let copied = most_copied(&index, &gaps, GAP_THRESHOLD)?;
/// assert_eq!(copied[0], CopiedPoint { row: 1, multiplicity: 2, samples: 2 });
/// assert_eq!(copied[1], CopiedPoint { row: 0, multiplicity: 1, samples: 1 });
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn most_copied(
    training: &NeighbourIndex<'_>,
    gaps: &GapRatios,
    threshold: f64,
) -> Result<Vec<CopiedPoint>, MetricsError> {
    let mut counts = BTreeMap::<usize, usize>::new();
    for (&row, memorized) in gaps.nearest.iter().zip(gaps.memorized(threshold)) {
        if memorized {
            *counts.entry(row).or_default() += 1;
        }
    }
    let mut copied = counts
        .into_iter()
        .map(|(row, samples)| {
            let point = position_of_row(training.rows(), row)?;
            Ok(CopiedPoint { row, multiplicity: training.multiplicities()[point], samples })
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Stable: rows came in increasing order.
    copied.sort_by_key(|point| std::cmp::Reverse(point.samples));
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{DistinctPoints, GAP_THRESHOLD, gap_ratios};
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    #[test]
    fn a_row_of_another_index_is_refused() {
        let index = |points: Array2<f32>| NeighbourIndex::new(DistinctPoints::new(points).unwrap());
        let gaps =
            gap_ratios(&index(array![[0.0f32], [1.0], [5.0]]), array![[5.0f32]].view()).unwrap();
        let other = index(array![[0.0f32], [1.0]]);
        assert_eq!(
            most_copied(&other, &gaps, GAP_THRESHOLD).unwrap_err(),
            MetricsError::RowOutOfRange { actual: 2, rows: 2 }
        );
    }

    proptest! {
        #[test]
        fn counts_add_up_and_descend(
            training in proptest::collection::vec(-9i8..10, 8..30), samples in proptest::collection::vec(-9i8..10, 1..40),
        ) {
            let points = |values: &[i8]| {
                Array2::from_shape_fn((values.len(), 1), |(i, _)| f32::from(values[i]))
            };
            let Ok(distinct) = DistinctPoints::new(points(&training)) else { return Ok(()) };
            prop_assume!(distinct.len() > 1);
            let index = NeighbourIndex::new(distinct);
            let gaps = gap_ratios(&index, points(&samples).view()).unwrap();
            let copied = most_copied(&index, &gaps, GAP_THRESHOLD).unwrap();
            let memorized = gaps.memorized(GAP_THRESHOLD).into_iter().filter(|&m| m).count();
            prop_assert_eq!(copied.iter().map(|point| point.samples).sum::<usize>(), memorized);
            let order = |point: &CopiedPoint| (std::cmp::Reverse(point.samples), point.row);
            prop_assert!(copied.is_sorted_by_key(order));
            for point in copied {
                let value = training[point.row];
                prop_assert_eq!(training.iter().position(|&v| v == value), Some(point.row));
                prop_assert_eq!(training.iter().filter(|&&v| v == value).count(), point.multiplicity);
            }
        }
    }
}

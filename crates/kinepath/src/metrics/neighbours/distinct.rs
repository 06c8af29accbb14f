//! Training points without exact duplicates.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use ndarray::{ArrayView1, Axis, CowArray, Ix2};
use rayon::prelude::*;

use crate::metrics::error::{MetricsError, check_points};

/// The distinct rows of a point set.
///
/// Rows are merged when all their values are equal (so −0.0 merges with 0.0). The first row of
/// each group represents it. Nearest neighbours are sought among distinct points because a
/// training set with an exact duplicate would otherwise have `d₁ = d₂` around it, and the gap
/// ratio could never show a copy of that point.
///
/// # Example
/// ```
/// use kinepath::metrics::DistinctPoints;
/// use ndarray::array;
///
/// let points = array![[0.0f32, 1.0], [2.0, 3.0], [-0.0, 1.0]];
/// let distinct = DistinctPoints::new(points.view())?;
/// assert_eq!(distinct.first_rows(), [0, 1]);
/// assert_eq!(distinct.multiplicities(), [2, 1]);
/// assert_eq!(distinct.group_of_rows(), [0, 1, 0]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DistinctPoints<'a> {
    pub(super) source: CowArray<'a, f32, Ix2>,
    pub(super) first_rows: Vec<usize>,
    pub(super) multiplicities: Vec<usize>,
    group_of_rows: Vec<usize>,
}

impl<'a> DistinctPoints<'a> {
    /// Groups the rows of `points`, shape `[N, D]`, an array or a view.
    ///
    /// # Errors
    /// [`MetricsError::Empty`] without rows or columns, [`MetricsError::NotFinite`] for a NaN or
    /// an infinity.
    pub fn new(points: impl Into<CowArray<'a, f32, Ix2>>) -> Result<Self, MetricsError> {
        let source = points.into();
        check_points("points", &source.view())?;
        let hashes: Vec<u64> = source.axis_iter(Axis(0)).into_par_iter().map(hash).collect();
        let mut groups_by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
        let (mut first_rows, mut multiplicities) = (Vec::new(), Vec::new());
        let mut group_of_rows = Vec::with_capacity(source.nrows());
        for (index, row) in source.rows().into_iter().enumerate() {
            let groups = groups_by_hash.entry(hashes[index]).or_default();
            let known = groups.iter().copied().find(|&group| source.row(first_rows[group]) == row);
            let group = known.unwrap_or_else(|| {
                groups.push(first_rows.len());
                first_rows.push(index);
                multiplicities.push(0);
                first_rows.len() - 1
            });
            multiplicities[group] += 1;
            group_of_rows.push(group);
        }
        Ok(Self { source, first_rows, multiplicities, group_of_rows })
    }

    /// Number of distinct points, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set without points cannot be made")]
    pub fn len(&self) -> usize {
        self.first_rows.len()
    }

    /// For each distinct point the original row that represents it: the first of its group,
    /// increasing.
    #[must_use]
    pub fn first_rows(&self) -> &[usize] {
        &self.first_rows
    }

    /// For each distinct point the number of original rows it stands for; they sum to N.
    #[must_use]
    pub fn multiplicities(&self) -> &[usize] {
        &self.multiplicities
    }

    /// For each original row the distinct point it belongs to.
    #[must_use]
    pub fn group_of_rows(&self) -> &[usize] {
        &self.group_of_rows
    }
}

/// Equal rows hash equally: adding zero turns −0.0 into 0.0.
fn hash(row: ArrayView1<'_, f32>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in row {
        (value + 0.0).to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    #[test]
    fn refuses_empty_and_not_finite_points() {
        let error = DistinctPoints::new(Array2::<f32>::zeros((0, 3))).unwrap_err();
        assert_eq!(error, MetricsError::Empty { what: "points", rows: 0, columns: 3 });
        let error = DistinctPoints::new(array![[0.0f32, 1.0], [2.0, f32::NAN]]).unwrap_err();
        assert_eq!(error, MetricsError::NotFinite { what: "points", row: 1, column: 1 });
    }

    #[test]
    fn reads_transposed_views() {
        let points = array![[1.0f32, 2.0, 1.0], [5.0, 6.0, 5.0]];
        let distinct = DistinctPoints::new(points.t()).unwrap();
        assert_eq!(distinct.first_rows(), [0, 1]);
        assert_eq!(distinct.group_of_rows(), [0, 1, 0]);
    }

    proptest! {
        #[test]
        fn groups_partition_the_rows(values in proptest::collection::vec(0u8..3, 2..60)) {
            let points = Array2::from_shape_fn((values.len() / 2, 2), |(i, j)| f32::from(values[2 * i + j]));
            let distinct = DistinctPoints::new(points.view()).unwrap();
            prop_assert_eq!(distinct.multiplicities().iter().sum::<usize>(), points.nrows());
            for (row, &group) in distinct.group_of_rows().iter().enumerate() {
                let first = distinct.first_rows()[group];
                prop_assert!(first <= row);
                prop_assert_eq!(points.row(first), points.row(row));
            }
            for (a, &first) in distinct.first_rows().iter().enumerate() {
                for &other in &distinct.first_rows()[..a] {
                    prop_assert_ne!(points.row(first), points.row(other));
                }
            }
        }
    }
}

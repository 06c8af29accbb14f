//! Bins with equal counts.

use super::error::{StatsError, check_no_nan};

/// Splits the rows of a column into `bins` groups of equal count by rank: rows of each group in
/// ascending order of value, groups from lowest to highest.
///
/// The row of rank `r` (from 0) among n goes to group `⌊r · bins / n⌋`, so group sizes differ by at
/// most one and none is empty. Equal values are ordered by row, and may so be parted: the same
/// column always gives the same groups.
///
/// # Errors
/// [`StatsError::Bins`] for no bins or more bins than values, [`StatsError::NotANumber`] for a NaN.
///
/// # Example
/// ```
/// let groups = kinepath::stats::quantile_bins(&[0.4, 0.1, 0.3, 0.2], 2)?;
/// assert_eq!(groups, [vec![1, 3], vec![2, 0]]);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn quantile_bins(values: &[f64], bins: usize) -> Result<Vec<Vec<usize>>, StatsError> {
    if bins == 0 || bins > values.len() {
        return Err(StatsError::Bins { bins, values: values.len() });
    }
    check_no_nan("the column", values)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    // A stable sort leaves equal values in the order of their rows; adding zero makes −0.0 equal
    // to 0.0 under the total order.
    order.sort_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)));
    let mut groups = vec![Vec::with_capacity(values.len() / bins + 1); bins];
    for (rank, row) in order.into_iter().enumerate() {
        groups[rank * bins / values.len()].push(row);
    }
    Ok(groups)
}

/// The rows in the lowest, middle and highest third of a column: [`quantile_bins`] with 3 bins.
///
/// # Errors
/// Those of [`quantile_bins`].
pub fn terciles(values: &[f64]) -> Result<[Vec<usize>; 3], StatsError> {
    let mut groups = quantile_bins(values, 3)?.into_iter();
    Ok(std::array::from_fn(|_| groups.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_are_parted_by_row() {
        assert_eq!(quantile_bins(&[1.0, 1.0, -0.0, 0.0], 2).unwrap(), [vec![2, 3], vec![0, 1]]);
        assert_eq!(terciles(&[9.0, 8.0, 7.0]).unwrap(), [vec![2], vec![1], vec![0]]);
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(quantile_bins(&[1.0], 2).unwrap_err(), StatsError::Bins { bins: 2, values: 1 });
        assert_eq!(quantile_bins(&[], 0).unwrap_err(), StatsError::Bins { bins: 0, values: 0 });
        assert!(matches!(
            quantile_bins(&[1.0, f64::NAN], 1).unwrap_err(),
            StatsError::NotANumber { row: 1, .. }
        ));
    }

    proptest! {
        #[test]
        fn groups_partition_the_rows_in_order(
            values in proptest::collection::vec(-5i8..6, 1..80), bins in 1usize..12,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            prop_assume!(bins <= values.len());
            let groups = quantile_bins(&values, bins).unwrap();
            let sizes = groups.iter().map(Vec::len);
            prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            let rows: Vec<usize> = groups.concat();
            prop_assert!(rows.windows(2).all(|pair| values[pair[0]] <= values[pair[1]]));
            let mut sorted = rows;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..values.len()).collect::<Vec<_>>());
        }
    }
}

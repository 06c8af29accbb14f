//! Rank correlation with other columns held fixed.

use super::{
    error::{StatsError, check_count, check_length, check_no_nan},
    rank::{Ordered, rank_correlation},
    resample::{Bootstrap, Interval, bootstrap},
    spearman::order_column,
};

/// Variance, as a share of a column's own, below which what the controls leave of it is rounding.
const NOTHING_LEFT: f64 = 1.0e-10;

/// Partial Spearman correlation of `x` and `y` given `controls`, in [−1, 1].
///
/// All columns are replaced by their average ranks, the ranks of `x` and of `y` are regressed on
/// those of the controls (least squares with intercept), and the residuals are correlated. Agrees
/// with `pingouin.partial_corr(method="spearman")`. Without controls it is
/// [`spearman`](super::spearman).
///
/// A control that is constant, or a linear combination of the others in rank, adds nothing and
/// changes nothing: the projection is the one that a pseudo-inverse gives.
///
/// # Errors
/// [`StatsError::TooFew`] below `3 +` the number of controls, [`StatsError::LengthMismatch`],
/// [`StatsError::NotANumber`] for a NaN, [`StatsError::Constant`] when `x` or `y` is constant,
/// [`StatsError::Explained`] when the controls leave nothing of `x` or `y`.
///
/// # Example
/// ```
/// use kinepath::stats::{partial_spearman, spearman};
///
/// let common: Vec<f64> = (0..200).map(|i| f64::from(i)).collect();
/// let noisy = |salt: f64| -> Vec<f64> {
///     common.iter().map(|c| c + 20.0 * (c * c * 0.618 + salt).sin()).collect()
/// };
/// let (x, y) = (noisy(0.0), noisy(1.7));
/// assert!(spearman(&x, &y)? > 0.9);
/// assert!(partial_spearman(&x, &y, &[&common])?.abs() < 0.3);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn partial_spearman(x: &[f64], y: &[f64], controls: &[&[f64]]) -> Result<f64, StatsError> {
    let everything: Vec<usize> = (0..x.len()).collect();
    let columns = order(x, y, controls)?;
    of_rows(&columns, &everything)
        .map_err(|column| StatsError::Explained { column: ["x", "y"][column].to_owned() })
}

/// [`partial_spearman`] with its percentile bootstrap interval over rows; ranks and regressions
/// are redone in each resample.
///
/// # Errors
/// Those of [`partial_spearman`] and of [`Bootstrap::replicates`].
pub fn partial_spearman_interval(
    x: &[f64],
    y: &[f64],
    controls: &[&[f64]],
    settings: &Bootstrap,
) -> Result<Interval, StatsError> {
    partial_spearman(x, y, controls)?;
    bootstrap(x.len(), settings, partial_spearman_of_rows(x, y, controls)?)
}

/// [`partial_spearman`] as a function of rows; ranks and regressions are redone on them. See
/// [`spearman_of_rows`](super::spearman_of_rows). It is NaN where a column is constant on the
/// rows or the controls leave nothing of it.
///
/// # Errors
/// Those of [`partial_spearman`], but that of an explained column, which depends on the rows.
pub fn partial_spearman_of_rows(
    x: &[f64],
    y: &[f64],
    controls: &[&[f64]],
) -> Result<impl Fn(&[usize]) -> f64 + Sync + use<>, StatsError> {
    let columns = order(x, y, controls)?;
    Ok(move |rows: &[usize]| of_rows(&columns, rows).unwrap_or(f64::NAN))
}

/// `x`, `y` and the controls, ordered.
fn order(x: &[f64], y: &[f64], controls: &[&[f64]]) -> Result<Vec<Ordered>, StatsError> {
    check_count("a partial rank correlation", 3 + controls.len(), x.len())?;
    check_length("y", x.len(), y.len())?;
    let mut columns = vec![order_column("x", x)?, order_column("y", y)?];
    for (index, control) in controls.iter().enumerate() {
        let name = format!("control {index}");
        check_length(&name, x.len(), control.len())?;
        check_no_nan(&name, control)?;
        columns.push(Ordered::new(control));
    }
    Ok(columns)
}

/// The partial correlation of columns 0 and 1 given the others on some rows, or which of the two
/// has nothing left to correlate.
fn of_rows(columns: &[Ordered], rows: &[usize]) -> Result<f64, usize> {
    let ranks: Vec<Vec<f64>> = columns.iter().map(|column| column.centred_ranks(rows)).collect();
    let count = ranks.len();
    let mut correlation = vec![vec![0.0; count]; count];
    for i in 0..count {
        for j in 0..=i {
            // A constant column keeps a zero row and so is never used.
            let value = rank_correlation(&ranks[i], &ranks[j]).unwrap_or(0.0);
            correlation[i][j] = value;
            correlation[j][i] = value;
        }
    }
    eliminate_controls(&mut correlation);
    let (xx, yy) = (correlation[0][0], correlation[1][1]);
    if xx < NOTHING_LEFT {
        return Err(0);
    }
    if yy < NOTHING_LEFT {
        return Err(1);
    }
    Ok((correlation[0][1] / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

/// Gaussian elimination of rows 2 and up, largest remaining variance first: what stays in the
/// leading block is the covariance of the residuals.
fn eliminate_controls(matrix: &mut [Vec<f64>]) {
    let mut left: Vec<usize> = (2..matrix.len()).collect();
    while let Some(place) = (0..left.len())
        .max_by(|&a, &b| matrix[left[a]][left[a]].total_cmp(&matrix[left[b]][left[b]]))
    {
        let pivot = left.swap_remove(place);
        let row = matrix[pivot].clone();
        if row[pivot] < NOTHING_LEFT {
            return;
        }
        for (i, target) in matrix.iter_mut().enumerate() {
            let factor = row[i] / row[pivot];
            target.iter_mut().zip(&row).for_each(|(value, &above)| *value -= factor * above);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::spearman;
    use proptest::prelude::*;

    fn column(n: usize, salt: f64) -> Vec<f64> {
        (0..n).map(|i| ((i * i) as f64 * 0.618 + salt * (i + 1) as f64).sin()).collect()
    }

    #[test]
    fn one_control_follows_the_textbook_formula() {
        let (x, y, z) = (column(60, 0.1), column(60, 0.2), column(60, 0.7));
        let (xy, xz, yz) =
            (spearman(&x, &y).unwrap(), spearman(&x, &z).unwrap(), spearman(&y, &z).unwrap());
        let expected = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
        let partial = partial_spearman(&x, &y, &[&z]).unwrap();
        assert!((partial - expected).abs() < 1.0e-14);
    }

    #[test]
    fn without_controls_it_is_spearman() {
        let (x, y) = (column(40, 0.3), column(40, 1.3));
        let difference = partial_spearman(&x, &y, &[]).unwrap() - spearman(&x, &y).unwrap();
        assert!(difference.abs() < 1.0e-15);
    }

    #[test]
    fn redundant_controls_change_nothing() {
        let (x, y, z) = (column(50, 0.1), column(50, 0.4), column(50, 0.9));
        let squeezed: Vec<f64> = z.iter().map(|z| -z.exp()).collect();
        let once = partial_spearman(&x, &y, &[&z]).unwrap();
        let twice = partial_spearman(&x, &y, &[&z, &squeezed, &[3.0; 50]]).unwrap();
        assert!((once - twice).abs() < 1.0e-12);
    }

    #[test]
    fn refuses_what_is_undefined() {
        let (x, y) = (column(20, 0.1), column(20, 0.4));
        assert_eq!(
            partial_spearman(&x, &y, &[&y]).unwrap_err(),
            StatsError::Explained { column: "y".into() }
        );
        assert_eq!(
            partial_spearman(&x, &y, &[&x[1..]]).unwrap_err(),
            StatsError::LengthMismatch { column: "control 0".into(), expected: 20, actual: 19 }
        );
        assert_eq!(
            partial_spearman(&x[..3], &y[..3], &[&x[..3]]).unwrap_err(),
            StatsError::TooFew { what: "a partial rank correlation", needed: 4, actual: 3 }
        );
        assert_eq!(
            partial_spearman(&[1.0; 20], &y, &[]).unwrap_err(),
            StatsError::Constant { column: "x".into() }
        );
    }

    #[test]
    fn interval_holds_the_estimate() {
        let (x, y, z) = (column(150, 0.1), column(150, 0.4), column(150, 0.9));
        let interval = partial_spearman_interval(&x, &y, &[&z], &Bootstrap::default()).unwrap();
        assert_eq!(interval.estimate, partial_spearman(&x, &y, &[&z]).unwrap());
        assert!(interval.low < interval.estimate && interval.estimate < interval.high);
    }

    proptest! {
        #[test]
        fn is_symmetric_and_bounded(salts in proptest::array::uniform4(0.01f64..3.0)) {
            let [x, y, z, w] = salts.map(|salt| column(30, salt));
            let forward = partial_spearman(&x, &y, &[&z, &w]);
            prop_assume!(forward.is_ok());
            let forward = forward.unwrap();
            prop_assert!((-1.0..=1.0).contains(&forward));
            prop_assert!((forward - partial_spearman(&y, &x, &[&w, &z]).unwrap()).abs() < 1.0e-9);
        }
    }
}

//! Spearman's rank correlation.

use super::{
    error::{StatsError, check_count, check_length, check_no_nan},
    rank::{Ordered, rank_correlation},
    resample::{Bootstrap, Interval, bootstrap},
};

/// Spearman's ρ of two columns: the Pearson correlation of their average ranks, in [−1, 1].
/// Agrees with `scipy.stats.spearmanr`. Infinities rank as extremes.
///
/// # Errors
/// [`StatsError::TooFew`] below 3 rows, [`StatsError::LengthMismatch`],
/// [`StatsError::NotANumber`] for a NaN, [`StatsError::Constant`] for a column of one value.
///
/// # Example
/// ```
/// use kinepath::stats::spearman;
/// assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0, 1000.0])?, 1.0);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    let everything: Vec<usize> = (0..x.len()).collect();
    Ok(spearman_of_rows(x, y)?(&everything))
}

/// [`spearman`] as a function of rows, which ranks them anew without a sort: what
/// [`bootstrap`], [`bca_interval`](super::bca_interval) and rows in groups
/// ([`Resampling`](super::Resampling)) take. It is NaN where a column is constant on the rows.
///
/// # Errors
/// Those of [`spearman`].
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, bca_interval, spearman_of_rows};
///
/// let x: Vec<f64> = (0..50).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| x + 9.0 * (x * x).sin()).collect();
/// let interval = bca_interval(50, &Bootstrap::default(), spearman_of_rows(&x, &y)?)?;
/// assert!(interval.low > 0.8 && interval.high < 1.0);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn spearman_of_rows(
    x: &[f64],
    y: &[f64],
) -> Result<impl Fn(&[usize]) -> f64 + Sync + use<>, StatsError> {
    check_count("a rank correlation", 3, x.len())?;
    check_length("y", x.len(), y.len())?;
    let (x, y) = (order_column("x", x)?, order_column("y", y)?);
    Ok(move |rows: &[usize]| {
        rank_correlation(&x.centred_ranks(rows), &y.centred_ranks(rows)).unwrap_or(f64::NAN)
    })
}

/// [`spearman`] with its percentile bootstrap interval over rows; each resample is ranked anew.
///
/// # Errors
/// Those of [`spearman`] and of [`Bootstrap::replicates`].
pub fn spearman_interval(
    x: &[f64],
    y: &[f64],
    settings: &Bootstrap,
) -> Result<Interval, StatsError> {
    bootstrap(x.len(), settings, spearman_of_rows(x, y)?)
}

/// Refuses columns whose correlation is undefined.
pub(super) fn order_column(name: &str, values: &[f64]) -> Result<Ordered, StatsError> {
    check_no_nan(name, values)?;
    let ordered = Ordered::new(values);
    if ordered.is_constant() {
        return Err(StatsError::Constant { column: name.to_owned() });
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_share_ranks() {
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
        let rho = spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((rho - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1.0e-15);
    }

    #[test]
    fn refuses_bad_columns() {
        let x = [1.0, 2.0, 3.0];
        assert_eq!(
            spearman(&x, &[1.0, 2.0]).unwrap_err(),
            StatsError::LengthMismatch { column: "y".into(), expected: 3, actual: 2 }
        );
        assert_eq!(
            spearman(&x, &[7.0; 3]).unwrap_err(),
            StatsError::Constant { column: "y".into() }
        );
        assert_eq!(
            spearman(&[1.0, f64::NAN, 2.0], &x).unwrap_err(),
            StatsError::NotANumber { column: "x".into(), row: 1 }
        );
        assert_eq!(
            spearman(&[1.0], &[1.0]).unwrap_err(),
            StatsError::TooFew { what: "a rank correlation", needed: 3, actual: 1 }
        );
    }

    #[test]
    fn interval_covers_the_estimate_and_narrows_with_n() {
        let columns = |n: usize| -> (Vec<f64>, Vec<f64>) {
            (0..n)
                .map(|i| {
                    let x = ((i * i) as f64 * 0.618).sin();
                    (x, x + 0.8 * ((i * i) as f64 * 0.217 + 1.0).cos())
                })
                .unzip()
        };
        let width = |n| {
            let (x, y) = columns(n);
            let interval = spearman_interval(&x, &y, &Bootstrap::default()).unwrap();
            assert!(interval.low < interval.estimate && interval.estimate < interval.high);
            assert_eq!(interval.estimate, spearman(&x, &y).unwrap());
            interval.high - interval.low
        };
        let ratio = width(100) / width(1600);
        assert!((3.0..5.5).contains(&ratio), "{ratio}, expected about 4");
    }

    proptest! {
        #[test]
        fn monotone_maps_keep_it_and_negation_flips_it(
            pairs in proptest::collection::vec((-50i32..50, -50i32..50), 3..50),
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) =
                pairs.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).unzip();
            let Ok(rho) = spearman(&x, &y) else { return Ok(()) };
            prop_assert!((-1.0..=1.0).contains(&rho));
            let stretched: Vec<f64> = x.iter().map(|x| (0.2 * x).exp()).collect();
            let negated: Vec<f64> = y.iter().map(|y| -y).collect();
            prop_assert_eq!(spearman(&stretched, &y).unwrap(), rho);
            prop_assert!((spearman(&x, &negated).unwrap() + rho).abs() < 1.0e-12);
        }
    }
}

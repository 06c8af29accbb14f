//! Bootstrap intervals corrected for bias and skewness.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    curvature::Curvature,
    error::{StatsError, check_count, check_finite},
    groups::Resampling,
    normal::{normal_cdf, normal_quantile},
    replicates::{ROUNDING, Replicates, equal_within_rounding, keep_defined},
    resample::{Bootstrap, Interval},
    summary::{mean_of, mean_of_rows},
};

/// How the standard error of a statistic changes with its value: the *a* of a BCa interval,
/// dimensionless, and 0 for a statistic with a symmetric distribution.
///
/// From the leave-one-out values `θ₍ᵢ₎` with mean `θ̄` and `uᵢ = θ̄ − θ₍ᵢ₎` it is
/// `Σ uᵢ³ / (6 (Σ uᵢ²)^{3/2})`; Efron & Tibshirani (1993), eq. 14.15. It is 0 where all of them are
/// equal within rounding, or differ by more than an `f64` holds: the data then say nothing of a
/// change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acceleration(f64);

impl Acceleration {
    /// Of any statistic, by evaluating it without each row in turn, in parallel. Where rows come in
    /// groups, it is without each group in turn; two groups always give 0.
    ///
    /// Left-out rows or groups without which the statistic is undefined (NaN or infinite) do not
    /// count.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for fewer than 2 rows, [`StatsError::UndefinedReplicates`] when the
    /// statistic is undefined without each of more than a tenth of the rows or groups.
    pub fn jackknife(
        sample: impl Into<Resampling>,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Result<Self, StatsError> {
        let sample = sample.into();
        check_count("a jackknife", 2, sample.count())?;
        let without = |rows: &mut Vec<usize>, unit: Range<usize>| {
            rows.clear();
            rows.extend((0..unit.start).chain(unit.end..sample.count()));
            statistic(rows)
        };
        let draws = || Vec::with_capacity(sample.count());
        let mut values: Vec<f64> =
            sample.units().into_par_iter().map_init(draws, without).collect();
        keep_defined(&mut values)?;
        Ok(Self::of_deviations(&values, -1.0))
    }

    /// Of the mean of a column of independent values, without evaluating it again: the
    /// column's skewness over `6 √n`, which is what [`jackknife`](Self::jackknife) gives.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty column, [`StatsError::NotANumber`] for a NaN or
    /// infinity.
    pub fn of_mean(values: &[f64]) -> Result<Self, StatsError> {
        check_count("a mean", 1, values.len())?;
        check_finite("the column", values)?;
        // A mean falls by as much as the value left out stands above it.
        Ok(Self::of_deviations(values, 1.0))
    }

    /// The acceleration itself.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    fn of_deviations(values: &[f64], sign: f64) -> Self {
        let mean = mean_of(values.iter().copied());
        let largest = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        if largest <= ROUNDING * mean.abs() || !largest.is_finite() {
            return Self(0.0);
        }
        // In units of the largest deviation, so that no power of one leaves the range of f64.
        let sum_of =
            |power| values.iter().map(|value| ((value - mean) / largest).powi(power)).sum::<f64>();
        Self(sign * sum_of(3) / (6.0 * sum_of(2).powf(1.5)))
    }
}

impl Bootstrap {
    /// The bias-corrected and accelerated (BCa) interval of replicates made with these settings.
    ///
    /// Its ends are the quantiles ([`quantile`](super::quantile)) of the replicates at
    ///
    /// ```text
    /// Φ(z₀ + (z₀ + z) / (1 − a (z₀ + z))),   z = ±Φ⁻¹((1 + level) / 2),   z₀ = Φ⁻¹(p₀)
    /// ```
    ///
    /// with `p₀` the share of replicates below the estimate, those equal to it within rounding
    /// counted half, and `a` the acceleration; Efron (1987); Efron & Tibshirani (1993), eq. 14.10 and
    /// 14.14; Davison & Hinkley (1997), §5.3.2. Agrees with `scipy.stats.bootstrap(method="BCa")`. Where `1 − a (z₀ + z)` is not
    /// positive, the end is the extreme replicate, which is its limit. Replicates that all equal
    /// the estimate give the point.
    ///
    /// The correction is for a bias small against the spread. What a resample's repeated rows do to
    /// a figure of a whole set (the Fréchet distance, coverage) is not: its replicates may all lie
    /// on one side of the estimate.
    ///
    /// # Errors
    /// [`StatsError::OneSided`] when all replicates are below the estimate, or all above it.
    pub fn bca_interval(
        &self,
        replicates: &Replicates,
        acceleration: Acceleration,
    ) -> Result<Interval, StatsError> {
        self.curved_bca_interval(replicates, acceleration, Curvature::default())
    }

    /// The BCa interval of a figure whose replicates follow it to first order only, corrected for
    /// its curvature κ along the least favourable direction ([`Tilt`](super::Tilt)).
    ///
    /// With σ the standard error of the replicates, `z₀` grows by `κ σ`, and each end at a
    /// distance x from the estimate goes to `x + κ x²`: the ABC interval of DiCiccio & Efron (1992),
    /// eq. 4.3 and 4.5 (Efron & Tibshirani 1993, §22.6), of a figure taken to have no bias beyond
    /// what it has by definition at this number of samples. Without curvature it is
    /// [`bca_interval`](Self::bca_interval).
    ///
    /// # Errors
    /// Those of [`bca_interval`](Self::bca_interval).
    pub fn curved_bca_interval(
        &self,
        replicates: &Replicates,
        acceleration: Acceleration,
        curvature: Curvature,
    ) -> Result<Interval, StatsError> {
        let Replicates { estimate, ref values, .. } = *replicates;
        let tied = values.iter().filter(|&&value| equal_within_rounding(value, estimate)).count();
        let below = values
            .iter()
            .filter(|&&value| value < estimate && !equal_within_rounding(value, estimate))
            .count();
        if tied == 0 && (below == 0 || below == values.len()) {
            return Err(StatsError::OneSided { estimate, resamples: values.len() });
        }
        let bias = normal_quantile((below as f64 + 0.5 * tied as f64) / values.len() as f64)
            + curvature.value() * replicates.standard_error();
        let position = |end: f64| {
            let shifted = bias + end;
            let scale = 1.0 - acceleration.0 * shifted;
            if scale > 0.0 {
                normal_cdf(bias + shifted / scale)
            } else if shifted > 0.0 {
                1.0
            } else {
                0.0
            }
        };
        let end = normal_quantile((1.0 - self.level) / 2.0);
        let Interval { low, high, .. } =
            Interval::between(replicates, position(end), position(-end));
        let bent = |end: f64| estimate + curvature.bend(end - estimate);
        Ok(Interval { estimate, low: bent(low), high: bent(high) })
    }
}

/// BCa interval ([`Bootstrap::bca_interval`]) of any statistic of the rows of a sample. Beside the
/// resamples it costs an evaluation without each row, or without each group.
///
/// # Errors
/// Those of [`Bootstrap::replicates`], [`Acceleration::jackknife`] and [`Bootstrap::bca_interval`].
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, bca_interval};
///
/// let values: Vec<f64> = (0..60).map(|i| f64::from(i % 12).exp()).collect();
/// let root_mean_square = |rows: &[usize]| {
///     let squares: f64 = rows.iter().map(|&row| values[row].powi(2)).sum();
///     (squares / rows.len() as f64).sqrt()
/// };
/// let interval = bca_interval(values.len(), &Bootstrap::default(), root_mean_square)?;
/// // The column is skewed to the right, and so is what is known of its root mean square.
/// assert!(interval.high - interval.estimate > interval.estimate - interval.low);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn bca_interval(
    sample: impl Into<Resampling>,
    settings: &Bootstrap,
    statistic: impl Fn(&[usize]) -> f64 + Sync,
) -> Result<Interval, StatsError> {
    let sample = sample.into();
    let replicates = settings.replicates(sample.clone(), &statistic)?;
    settings.bca_interval(&replicates, Acceleration::jackknife(sample, statistic)?)
}

/// The mean of a column of independent values with its BCa interval, at the cost of
/// [`mean_interval`](super::mean_interval).
///
/// # Errors
/// [`StatsError::NotANumber`] for a NaN or infinity, else those of [`Bootstrap::replicates`] and
/// [`Bootstrap::bca_interval`].
pub fn mean_bca_interval(values: &[f64], settings: &Bootstrap) -> Result<Interval, StatsError> {
    check_finite("the column", values)?;
    let replicates = settings.replicates(values.len(), |rows| mean_of_rows(values, rows))?;
    settings.bca_interval(&replicates, Acceleration::of_mean(values)?)
}

#[cfg(test)]
mod tests;

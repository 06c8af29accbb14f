//! Fréchet distance extrapolated to infinitely many generated rows.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    error::{MetricsError, check_column, check_length},
    frechet::FrechetReference,
    moments::FeatureMoments,
};

/// Sample sizes that the line is fitted to.
const SIZES: usize = 15;
/// The smallest of them, where there are enough rows.
const SMALLEST: usize = 5000;

/// The line `FD(n) = FD∞ + slope / n` through Fréchet distances of several numbers of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FrechetInfinity {
    /// The intercept FD∞, in squared feature units. Unlike a distance it can come out slightly
    /// negative.
    pub distance: f64,
    /// Standard error of the intercept, from the residuals of the line. It says how straight the
    /// line is, not how another set of samples would differ: the sizes share rows.
    pub standard_error: f64,
    /// Slope against `1/n`, in squared feature units times rows.
    pub slope: f64,
    /// The numbers of rows n, increasing.
    pub sizes: Vec<usize>,
    /// Their distances.
    pub distances: Vec<f64>,
}

/// Extrapolates the Fréchet distance of `generated`, N rows of F features, to infinitely many rows.
///
/// The distance of n rows has a bias proportional to `1/n` to first order, with a factor that
/// depends on the model: two models compared at the same n can come out in the wrong order. Chong &
/// Forsyth (2020), "Effectively unbiased FID", arXiv 1911.07023. The distance is taken at 15 evenly
/// spaced sizes from `max(2F, min(5000, N/10))` to N, each of fresh rows drawn without replacement
/// (stream i of a ChaCha8 generator for size i), and a least-squares line gives the intercept. The
/// bias of the reference's own number of rows stays.
///
/// The sizes are those of `dgm-eval` for `N ≥ 20 F`. Below, that starts at sizes whose covariance
/// is nearly singular, where the distance is no line in `1/n`: for 384 rows of 64 standard normal
/// features shifted to a true distance of 0.64 it gives −1.1 on average, the sizes here 0.38, the
/// plain distance 3.5.
///
/// # Errors
/// [`MetricsError::TooFewPoints`] for fewer than `4F` or 30 rows, else those of
/// [`FrechetReference::distance`].
///
/// # Example
/// ```
/// use kinepath::metrics::{FeatureMoments, FrechetReference, frechet_infinity};
/// use kinepath::noise::noise;
///
/// let real = FeatureMoments::new(noise(0, 0..4000, 2))?.gaussian();
/// let generated = FeatureMoments::new(noise(1, 0..1000, 2))?;
/// let reference = FrechetReference::new(real)?;
/// let limit = frechet_infinity(&reference, &generated, 0)?;
/// assert_eq!((limit.sizes[0], limit.sizes[14]), (100, 1000));
/// assert!(limit.slope > 0.0 && limit.distance < limit.distances[0]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn frechet_infinity(
    reference: &FrechetReference,
    generated: &FeatureMoments<'_>,
    seed: u64,
) -> Result<FrechetInfinity, MetricsError> {
    let (rows, dimension) = generated.dim();
    let needed = (2 * SIZES).max(4 * dimension);
    if rows < needed {
        let what = "an extrapolated Fréchet distance";
        return Err(MetricsError::TooFewPoints { what, needed, actual: rows });
    }
    let smallest = (rows / 10).min(SMALLEST).max(2 * dimension);
    let sizes: Vec<usize> =
        (0..SIZES).map(|i| smallest + (rows - smallest) * i / (SIZES - 1)).collect();
    let distance = |(stream, &size): (usize, &usize)| {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream as u64);
        let indices = rand::seq::index::sample(&mut generator, rows, size).into_vec();
        reference.distance(&generated.resampled(&indices)?)
    };
    let distances = sizes.iter().enumerate().map(distance).collect::<Result<Vec<_>, _>>()?;
    FrechetInfinity::fit(sizes, distances)
}

impl FrechetInfinity {
    /// Fits the line to distances of given numbers of rows, by ordinary least squares.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`] unless there is a distance per size,
    /// [`MetricsError::TooFewPoints`] below 3 different sizes or for a size of 0,
    /// [`MetricsError::NotFinite`] for a NaN or infinite distance.
    pub fn fit(sizes: Vec<usize>, distances: Vec<f64>) -> Result<Self, MetricsError> {
        check_length("distances", sizes.len(), distances.len())?;
        check_column("distances", &distances)?;
        let mut different = sizes.clone();
        different.sort_unstable();
        different.dedup();
        if different.len() < 3 {
            let what = "different sizes of a line";
            return Err(MetricsError::TooFewPoints { what, needed: 3, actual: different.len() });
        }
        if different[0] == 0 {
            return Err(MetricsError::TooFewPoints { what: "sizes", needed: 1, actual: 0 });
        }
        let count = sizes.len() as f64;
        let x: Vec<f64> = sizes.iter().map(|&size| 1.0 / size as f64).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
        let (x_mean, y_mean) = (mean(&x), mean(&distances));
        let spread: f64 = x.iter().map(|x| (x - x_mean).powi(2)).sum();
        let product: f64 = x.iter().zip(&distances).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
        let slope = product / spread;
        let distance = y_mean - slope * x_mean;
        let residuals: f64 =
            x.iter().zip(&distances).map(|(x, y)| (y - distance - slope * x).powi(2)).sum();
        let standard_error =
            (residuals / (count - 2.0) * (1.0 / count + x_mean * x_mean / spread)).sqrt();
        Ok(Self { distance, standard_error, slope, sizes, distances })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::GaussianStats,
        noise::noise,
        stats::{Summary, summarize},
    };
    use ndarray::{Array1, Array2};

    fn limit(rows: u64, seed: u64) -> Result<FrechetInfinity, MetricsError> {
        let real = FeatureMoments::new(noise(0, 0..500, 3)).unwrap().gaussian();
        let generated = FeatureMoments::new(noise(1, 0..rows, 3)).unwrap();
        frechet_infinity(&FrechetReference::new(real).unwrap(), &generated, seed)
    }

    /// Samples of one distribution: distance 0, reached from above as 1/n. For standard normal
    /// features the bias is F/n of the mean and F (F + 1) / 4n of the covariance.
    #[test]
    fn equal_distributions_have_a_limit_of_zero() {
        let real = GaussianStats { count: 0, mean: Array1::zeros(3), covariance: Array2::eye(3) };
        let reference = FrechetReference::new(real).unwrap();
        let (mut limits, mut slopes, mut plain) = (vec![], vec![], vec![]);
        for seed in 0..60 {
            let generated = FeatureMoments::new(noise(seed, 0..600, 3)).unwrap();
            let limit = frechet_infinity(&reference, &generated, seed).unwrap();
            assert_eq!((limit.sizes[0], limit.sizes[7], limit.sizes[14]), (60, 330, 600));
            limits.push(limit.distance);
            slopes.push(limit.slope);
            plain.push(limit.distances[14]);
        }
        let [limits, slopes, plain] = [limits, slopes, plain].map(|c| summarize(&c).unwrap());
        let near = |figure: Summary, truth: f64| {
            (figure.mean - truth).abs() < 4.0 * figure.sd / 60f64.sqrt()
        };
        assert!(near(limits, 0.0) && near(slopes, 6.0), "{limits:?} {slopes:?}");
        assert!(near(plain, 6.0 / 600.0) && !near(plain, 0.0), "{plain:?}");
    }

    /// A tenth of 100 rows would be less than twice 16 features.
    #[test]
    fn few_rows_start_where_covariances_are_regular() {
        let real = FeatureMoments::new(noise(0, 0..1000, 16)).unwrap().gaussian();
        let generated = FeatureMoments::new(noise(1, 0..100, 16)).unwrap();
        let limit = frechet_infinity(&FrechetReference::new(real).unwrap(), &generated, 0).unwrap();
        assert_eq!((limit.sizes[0], limit.sizes[14]), (32, 100));
        assert!(limit.distance < 0.5 * limit.distances[14]);
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(limit(200, 3).unwrap(), limit(200, 3).unwrap());
        assert_ne!(limit(200, 3).unwrap(), limit(200, 4).unwrap());
    }

    #[test]
    fn refuses_too_few_rows_and_sizes() {
        let what = "an extrapolated Fréchet distance";
        let error = limit(29, 0).unwrap_err();
        assert_eq!(error, MetricsError::TooFewPoints { what, needed: 30, actual: 29 });
        let what = "different sizes of a line";
        assert_eq!(
            FrechetInfinity::fit(vec![10, 20, 10], vec![1.0, 2.0, 1.5]).unwrap_err(),
            MetricsError::TooFewPoints { what, needed: 3, actual: 2 }
        );
        assert_eq!(
            FrechetInfinity::fit(vec![0, 20, 10], vec![1.0, 2.0, 1.5]).unwrap_err(),
            MetricsError::TooFewPoints { what: "sizes", needed: 1, actual: 0 }
        );
        assert_eq!(
            FrechetInfinity::fit(vec![10, 20, 30], vec![1.0, 2.0]).unwrap_err(),
            MetricsError::LengthMismatch { what: "distances", expected: 3, actual: 2 }
        );
        assert_eq!(
            FrechetInfinity::fit(vec![10, 20, 30], vec![1.0, f64::NAN, 2.0]).unwrap_err(),
            MetricsError::NotFinite { what: "distances", row: 1, column: 0 }
        );
    }
}

//! Where the values of a set lie, and whether two sets can be in the same units.

use ndarray::{ArrayView1, ArrayView2};

/// Standard deviations that differ by more than this factor may be of different units: pixels in
/// [0, 1] and in [−1, 1] differ by 2.
const FACTOR: f64 = 1.6;
/// Points of a set below which its values say nothing of its units.
const FEWEST: usize = 16;
/// A point is signed if it reaches as far below 0 as this share of its largest magnitude.
const REACH: f64 = 0.25;
/// A set is signed if more than this share of its points are, and unsigned if less than the rest.
const NEARLY_ALL: f64 = 0.9;

/// Where the values of a set of points lie, all of them together; made piece by piece.
///
/// # Example
/// ```
/// use kinepath::metrics::ValueSummary;
/// use kinepath::noise::noise;
///
/// let pictures = noise(1, 0..100, 30).mapv(|v| v.clamp(-1.0, 1.0));
/// let training = ValueSummary::of(pictures.view());
/// assert_eq!((training.min(), training.max()), (-1.0, 1.0));
/// let samples = pictures.mapv(|v| (v + 1.0) / 2.0);
/// assert!(!ValueSummary::of(samples.view()).may_share_units(&training));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueSummary {
    points: usize,
    values: f64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
    /// Points that are not all zero, and the sum of the logarithms of their norms.
    directed: usize,
    log_norms: f64,
    least_norm: f64,
    largest_norm: f64,
    signed: usize,
}

impl ValueSummary {
    /// Over all values of the points, `[N, D]`.
    #[must_use]
    pub fn of(points: ArrayView2<'_, f32>) -> Self {
        points.rows().into_iter().map(Self::of_point).fold(Self::NOTHING, Self::and)
    }

    const NOTHING: Self = Self {
        points: 0,
        values: 0.0,
        sum: 0.0,
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        directed: 0,
        log_norms: 0.0,
        least_norm: f64::INFINITY,
        largest_norm: 0.0,
        signed: 0,
    };

    fn of_point(point: ArrayView1<'_, f32>) -> Self {
        let (mut sum, mut squares) = (0.0, 0.0);
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        for &value in point {
            let wide = f64::from(value);
            sum += wide;
            squares += wide * wide;
            min = min.min(value);
            max = max.max(value);
        }
        let (min, max, norm) = (f64::from(min), f64::from(max), squares.sqrt());
        Self {
            points: 1,
            values: point.len() as f64,
            sum,
            squares,
            min,
            max,
            directed: usize::from(norm > 0.0),
            log_norms: if norm > 0.0 { norm.ln() } else { 0.0 },
            least_norm: norm,
            largest_norm: norm,
            signed: usize::from(-min > REACH * max.max(-min).max(0.0)),
        }
    }

    /// Over these points and the other ones.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            points: self.points + other.points,
            values: self.values + other.values,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            directed: self.directed + other.directed,
            log_norms: self.log_norms + other.log_norms,
            least_norm: self.least_norm.min(other.least_norm),
            largest_norm: self.largest_norm.max(other.largest_norm),
            signed: self.signed + other.signed,
        }
    }

    /// The smallest value; infinite without any.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest value; −∞ without any.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }

    /// The mean of the values; NaN without any.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.values
    }

    /// Their standard deviation, the population's; NaN without any.
    #[must_use]
    pub fn sd(&self) -> f64 {
        let mean = self.mean();
        (self.squares / self.values - mean * mean).max(0.0).sqrt()
    }

    /// Whether these points, samples of a model, can be in the units of its training set.
    ///
    /// They clearly are not where standard deviations differ by more than a factor of 1.6 while the
    /// usual norm of a sample is one that no training point has; and where nearly all points of one
    /// set are signed and nearly none of the other, as those of [−1, 1] and of [0, 1]. Neither is true
    /// of samples that all copy one point, of two sets of non-negative features, or of points in few
    /// dimensions. Sets of fewer than 16 points are not judged.
    #[must_use]
    pub fn may_share_units(&self, training: &Self) -> bool {
        if self.points.min(training.points) < FEWEST {
            return true;
        }
        let (narrow, wide) = (self.sd().min(training.sd()), self.sd().max(training.sd()));
        let usual = self.usual_norm();
        let known = training.least_norm <= usual && usual <= training.largest_norm;
        let apart = wide > FACTOR * narrow && !known;
        let signs = [self.signed_share(), training.signed_share()];
        let other_signs = signs.iter().any(|&share| share >= NEARLY_ALL)
            && signs.iter().any(|&share| share <= 1.0 - NEARLY_ALL);
        !apart && !other_signs
    }

    /// The geometric mean of the norms, which one sample gone astray hardly moves.
    fn usual_norm(&self) -> f64 {
        match self.directed {
            0 => 0.0,
            count => (self.log_norms / count as f64).exp(),
        }
    }

    fn signed_share(&self) -> f64 {
        self.signed as f64 / self.points as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;
    use ndarray::{Array2, Axis, s};

    /// Pictures in [−1, 1], most of whose pixels are dark.
    fn pictures() -> Array2<f32> {
        noise(1, 0..200, 30).mapv(|v| (v.abs().powi(2) * 0.5 - 1.0).min(1.0))
    }

    fn may(samples: &Array2<f32>, training: &Array2<f32>) -> bool {
        ValueSummary::of(samples.view()).may_share_units(&ValueSummary::of(training.view()))
    }

    #[test]
    fn other_units_are_noticed_and_other_samples_are_not() {
        let pictures = pictures();
        for (what, factor, shift, expected) in [
            ("the same", 1.0, 0.0, true),
            ("brighter and harder", 1.2, 0.2, true),
            ("in [0, 1]", 0.5, 0.5, false),
            ("in [0, 255]", 127.5, 127.5, false),
            ("in [0, 2]", 1.0, 1.0, false),
        ] {
            let samples = pictures.mapv(|v| v * factor + shift);
            assert_eq!(may(&samples, &pictures), expected, "{what}");
            assert_eq!(may(&pictures, &samples), expected, "{what}, the other way round");
        }
        assert!(may(&(&pictures + &(noise(2, 0..200, 30) * 0.2)), &pictures));
        assert!(may(
            &pictures.slice(s![..1, ..]).broadcast((50, 30)).unwrap().to_owned(),
            &pictures
        ));
    }

    #[test]
    fn few_points_are_not_judged_and_one_astray_changes_nothing() {
        let pictures = pictures();
        let wide = pictures.mapv(|v| 127.5 * v + 127.5);
        assert!(may(&wide.slice(s![..15, ..]).to_owned(), &pictures));
        assert!(!may(&wide.slice(s![..16, ..]).to_owned(), &pictures));
        let mut stray = pictures.clone();
        stray[[3, 7]] = 1e4;
        assert!(may(&stray, &pictures));
        assert!(may(&Array2::zeros((20, 30)), &Array2::zeros((20, 30))));
        assert!(may(&Array2::zeros((0, 30)), &pictures));
    }

    #[test]
    fn pieces_have_the_summary_of_the_whole() {
        let rows = noise(3, 0..20, 7);
        let whole = ValueSummary::of(rows.view());
        let (head, tail) = rows.view().split_at(Axis(0), 6);
        let pieces = ValueSummary::of(head).and(ValueSummary::of(tail));
        assert!((whole.mean() - pieces.mean()).abs() < 1e-12);
        assert!((whole.sd() - pieces.sd()).abs() < 1e-12);
        assert!((whole.usual_norm() - pieces.usual_norm()).abs() < 1e-12);
        assert_eq!((whole.min, whole.max), (pieces.min, pieces.max));
        assert_eq!((whole.points, whole.signed), (pieces.points, pieces.signed));
        let sd = rows.mapv(f64::from).std(0.0);
        assert!((whole.sd() - sd).abs() < 1e-9, "{} {sd}", whole.sd());
    }
}

//! Whether samples and records are in the same units.

use ndarray::ArrayView2;

use super::results::{DataResults, ValueScale};
use crate::report::format::significant;

/// Standard deviations that differ by more than this factor are of different units: pixels in [0, 1]
/// and in [−1, 1] differ by 2.
const FACTOR: f64 = 1.6;

/// What a [`ValueScale`] is made from, piece by piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueSums {
    count: f64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl ValueSums {
    /// Over all values of the rows.
    pub(super) fn of(rows: ArrayView2<'_, f32>) -> Self {
        let nothing =
            Self { count: 0.0, sum: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        rows.iter().fold(nothing, |sums, &value| {
            let value = f64::from(value);
            Self {
                count: sums.count + 1.0,
                sum: sums.sum + value,
                squares: sums.squares + value * value,
                min: sums.min.min(value),
                max: sums.max.max(value),
            }
        })
    }

    /// Over these values and the other ones.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    pub(super) fn scale(self) -> ValueScale {
        let mean = self.sum / self.count;
        let variance = self.squares / self.count - mean * mean;
        ValueScale { min: self.min, max: self.max, mean, sd: variance.max(0.0).sqrt() }
    }
}

/// A warning if values `of` something do not look as if they were in the units of the training set.
pub(super) fn warning(what: &str, of: ValueScale, training: &DataResults) -> Option<String> {
    let same = training.values;
    let (narrow, wide) = (of.sd.min(same.sd), of.sd.max(same.sd));
    // A set of one value has no scale.
    let alike = narrow == 0.0 || wide / narrow <= FACTOR && (of.mean - same.mean).abs() <= wide;
    let range = |scale: ValueScale| {
        let [min, max, sd] = [scale.min, scale.max, scale.sd].map(|value| significant(value, 3));
        format!("from {min} to {max} with an sd of {sd}")
    };
    (!alike).then(|| {
        format!(
            "The values of {what} go {}, those of {} {}: they do not look like the same units, and \
             if they are not, no distance means anything, F_mem included.",
            range(of),
            training.name,
            range(same)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::noise::noise;
    use ndarray::{Axis, s};

    fn training(values: ValueScale) -> DataResults {
        DataResults {
            name: "train.npy".to_owned(),
            count: 2,
            distinct: 2,
            shape: vec![4],
            scaling: "as stored".to_owned(),
            sha256: String::new(),
            values,
        }
    }

    #[test]
    fn other_units_are_noticed_and_other_samples_are_not() {
        // Pictures in [−1, 1], most of whose pixels are dark.
        let pictures = noise(1, 0..200, 30).mapv(|v| (v.abs().powi(2) * 0.5 - 1.0).min(1.0));
        let scale = |rows: &ndarray::Array2<f32>| ValueSums::of(rows.view()).scale();
        let training = training(scale(&pictures));
        for (what, factor, shift, other) in [
            ("the same", 1.0, 0.0, false),
            ("brighter and harder", 1.2, 0.2, false),
            ("in [0, 1]", 0.5, 0.5, true),
            ("in [0, 255]", 127.5, 127.5, true),
            ("in [0, 2]", 1.0, 1.0, true),
        ] {
            let values = pictures.mapv(|v| v * factor + shift);
            let told = warning("the samples", scale(&values), &training);
            assert_eq!(told.is_some(), other, "{what}: {told:?}");
        }
        let noisy = &pictures + &(noise(2, 0..200, 30) * 0.2);
        assert_eq!(warning("the samples", scale(&noisy), &training), None);
        let constant = pictures.mapv(|_| 0.5);
        assert_eq!(warning("the samples", scale(&constant), &training), None);
    }

    #[test]
    fn pieces_have_the_scale_of_the_whole() {
        let rows = noise(3, 0..20, 7);
        let whole = ValueSums::of(rows.view()).scale();
        let (head, tail) = rows.view().split_at(Axis(0), 6);
        let pieces = ValueSums::of(head).and(ValueSums::of(tail.slice(s![.., ..]))).scale();
        assert!((whole.mean - pieces.mean).abs() < 1e-12 && (whole.sd - pieces.sd).abs() < 1e-12);
        assert_eq!((whole.min, whole.max), (pieces.min, pieces.max));
        let sd = rows.mapv(f64::from).std(0.0);
        assert!((whole.sd - sd).abs() < 1e-9, "{} {sd}", whole.sd);
    }
}

//! Memorization, and any mean, class by class.

use std::collections::BTreeMap;

use crate::stats::{
    Bootstrap, Interval, Resampling, StatsError, mean_interval_of_rows, share_interval_of_rows,
};

/// How many samples of one class are memorized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassMemorization {
    /// The class.
    pub class: i64,
    /// Samples of this class, at least 1.
    pub samples: usize,
    /// How many of them are memorized.
    pub memorized: usize,
    /// Their share with its interval ([`share_interval`](crate::stats::share_interval)); none for a
    /// single sample, which says nothing of a class.
    pub f_mem: Option<Interval>,
}

/// The mean of a property over the samples of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMean {
    /// The class.
    pub class: i64,
    /// The samples of this class, at least 1, in increasing order.
    pub rows: Vec<usize>,
    /// The mean with its percentile bootstrap interval; none for a single sample, which cannot be
    /// resampled.
    pub mean: Option<Interval>,
}

/// The mean of `values` over the samples of each class that has any, in increasing order of class.
///
/// `labels` and `sample` are as for [`f_mem_by_class`].
///
/// # Errors
/// As [`f_mem_by_class`]; [`StatsError::NotANumber`] for a value that is not finite.
pub fn mean_by_class(
    values: &[f64],
    labels: &[i64],
    sample: &Resampling,
    settings: &Bootstrap,
) -> Result<Vec<ClassMean>, StatsError> {
    let of_class = |(class, rows): (i64, Vec<usize>)| {
        let mean = match rows.len() {
            ..2 => None,
            _ => Some(mean_interval_of_rows(values, &rows, sample, settings)?),
        };
        Ok(ClassMean { class, rows, mean })
    };
    rows_by_class(labels, values.len())?.into_iter().map(of_class).collect()
}

/// F_mem of each class that has samples, in increasing order of class.
///
/// `labels` holds the class of each sample: the condition it was generated under, or the label of
/// its nearest training point. `sample` is how the samples came about: independently, or in groups
/// such as seeds, of which intervals are then too.
///
/// # Errors
/// [`StatsError::LengthMismatch`] unless there is one label per sample and `sample` has as many
/// rows, else those of [`Bootstrap::replicates`] for bad settings.
///
/// # Example
/// ```
/// use kinepath::metrics::f_mem_by_class;
/// use kinepath::stats::{Bootstrap, Resampling};
///
/// let memorized = [true, false, false, true];
/// let (labels, sample) = ([7, 2, 7, 7], Resampling::flat(4));
/// let classes = f_mem_by_class(&memorized, &labels, &sample, &Bootstrap::default())?;
/// assert_eq!((classes[0].class, classes[0].samples, classes[0].memorized), (2, 1, 0));
/// assert_eq!(classes[1].f_mem.map(|interval| interval.estimate), Some(2.0 / 3.0));
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn f_mem_by_class(
    memorized: &[bool],
    labels: &[i64],
    sample: &Resampling,
    settings: &Bootstrap,
) -> Result<Vec<ClassMemorization>, StatsError> {
    let of_class = |(class, rows): (i64, Vec<usize>)| {
        let f_mem = match rows.len() {
            ..2 => None,
            _ => Some(share_interval_of_rows(memorized, &rows, sample, settings)?),
        };
        Ok(ClassMemorization {
            class,
            samples: rows.len(),
            memorized: rows.iter().filter(|&&row| memorized[row]).count(),
            f_mem,
        })
    };
    rows_by_class(labels, memorized.len())?.into_iter().map(of_class).collect()
}

/// The samples of each class that has any, in increasing order of both.
fn rows_by_class(labels: &[i64], count: usize) -> Result<BTreeMap<i64, Vec<usize>>, StatsError> {
    if labels.len() != count {
        let column = "the column of labels".to_owned();
        return Err(StatsError::LengthMismatch { column, expected: count, actual: labels.len() });
    }
    let mut classes = BTreeMap::<i64, Vec<usize>>::new();
    for (row, &class) in labels.iter().enumerate() {
        classes.entry(class).or_default().push(row);
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::f_mem;
    use proptest::prelude::*;

    #[test]
    fn refuses_missing_labels() {
        assert_eq!(
            f_mem_by_class(&[true, false], &[1], &Resampling::flat(2), &Bootstrap::default())
                .unwrap_err(),
            StatsError::LengthMismatch {
                column: "the column of labels".into(),
                expected: 2,
                actual: 1
            }
        );
    }

    #[test]
    fn means_are_those_of_the_members() {
        let (values, labels) = ([1.0, 10.0, 3.0, 30.0, 5.0], [4, -1, 4, -1, 4]);
        let sample = Resampling::flat(5);
        let means = |values: &[f64]| mean_by_class(values, &labels, &sample, &Bootstrap::default());
        let classes = means(&values).unwrap();
        assert_eq!((classes[0].class, &classes[0].rows[..]), (-1, &[1, 3][..]));
        let found: Vec<f64> = classes.iter().map(|class| class.mean.unwrap().estimate).collect();
        assert_eq!(found, [20.0, 3.0]);
        assert!(means(&[f64::NAN; 5]).is_err() && means(&values[..4]).is_err());
    }

    proptest! {
        /// The class figures weighted by their sizes are the figure of all samples.
        #[test]
        fn classes_add_up(samples in proptest::collection::vec((-1i64..5, any::<bool>()), 2..60)) {
            let (labels, memorized): (Vec<i64>, Vec<bool>) = samples.into_iter().unzip();
            let settings = Bootstrap { resamples: 20, ..Bootstrap::default() };
            let sample = Resampling::flat(labels.len());
            let classes = f_mem_by_class(&memorized, &labels, &sample, &settings).unwrap();
            prop_assert!(classes.is_sorted_by_key(|class| class.class));
            let total: usize = classes.iter().map(|class| class.samples).sum();
            prop_assert_eq!(total, labels.len());
            let hits: usize = classes.iter().map(|class| class.memorized).sum();
            let whole = f_mem(&memorized, 0.95).unwrap().estimate;
            prop_assert!((hits as f64 / total as f64 - whole).abs() < 1.0e-12);
            for class in classes {
                prop_assert_eq!(class.f_mem.is_none(), class.samples == 1);
                if let Some(interval) = class.f_mem {
                    let share = class.memorized as f64 / class.samples as f64;
                    prop_assert!((interval.estimate - share).abs() < 1.0e-12);
                }
            }
        }
    }
}

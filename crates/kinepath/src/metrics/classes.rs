//! Memorization class by class.

use std::collections::BTreeMap;

use super::memorization::f_mem;
use crate::stats::{Bootstrap, Interval, StatsError};

/// How many samples of one class are memorized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassMemorization {
    /// The class.
    pub class: i64,
    /// Samples of this class, at least 1.
    pub samples: usize,
    /// How many of them are memorized.
    pub memorized: usize,
    /// Their share with its percentile bootstrap interval; none for a single sample, which cannot
    /// be resampled. Where no sample or every one is memorized, the interval is a point.
    pub f_mem: Option<Interval>,
}

/// F_mem of each class that has samples, in increasing order of class.
///
/// `labels` holds the class of each sample: the condition it was generated under, or the label of
/// its nearest training point.
///
/// # Errors
/// [`StatsError::LengthMismatch`] unless there is one label per sample, else those of
/// [`Bootstrap::replicates`] for bad settings.
///
/// # Example
/// ```
/// use kinepath::{metrics::f_mem_by_class, stats::Bootstrap};
///
/// let memorized = [true, false, false, true];
/// let classes = f_mem_by_class(&memorized, &[7, 2, 7, 7], &Bootstrap::default())?;
/// assert_eq!((classes[0].class, classes[0].samples, classes[0].memorized), (2, 1, 0));
/// assert_eq!(classes[1].f_mem.map(|interval| interval.estimate), Some(2.0 / 3.0));
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn f_mem_by_class(
    memorized: &[bool],
    labels: &[i64],
    settings: &Bootstrap,
) -> Result<Vec<ClassMemorization>, StatsError> {
    if labels.len() != memorized.len() {
        let column = "the column of labels".to_owned();
        let (expected, actual) = (memorized.len(), labels.len());
        return Err(StatsError::LengthMismatch { column, expected, actual });
    }
    let mut classes = BTreeMap::<i64, Vec<bool>>::new();
    for (&class, &memorized) in labels.iter().zip(memorized) {
        classes.entry(class).or_default().push(memorized);
    }
    let of_class = |(class, members): (i64, Vec<bool>)| {
        let interval = if members.len() < 2 { None } else { Some(f_mem(&members, settings)?) };
        Ok(ClassMemorization {
            class,
            samples: members.len(),
            memorized: members.iter().filter(|&&memorized| memorized).count(),
            f_mem: interval,
        })
    };
    classes.into_iter().map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_missing_labels() {
        assert_eq!(
            f_mem_by_class(&[true, false], &[1], &Bootstrap::default()).unwrap_err(),
            StatsError::LengthMismatch {
                column: "the column of labels".into(),
                expected: 2,
                actual: 1
            }
        );
    }

    proptest! {
        /// The class figures weighted by their sizes are the figure of all samples.
        #[test]
        fn classes_add_up(samples in proptest::collection::vec((-1i64..5, any::<bool>()), 2..60)) {
            let (labels, memorized): (Vec<i64>, Vec<bool>) = samples.into_iter().unzip();
            let settings = Bootstrap { resamples: 20, ..Bootstrap::default() };
            let classes = f_mem_by_class(&memorized, &labels, &settings).unwrap();
            prop_assert!(classes.is_sorted_by_key(|class| class.class));
            let total: usize = classes.iter().map(|class| class.samples).sum();
            prop_assert_eq!(total, labels.len());
            let hits: usize = classes.iter().map(|class| class.memorized).sum();
            let whole = f_mem(&memorized, &settings).unwrap().estimate;
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

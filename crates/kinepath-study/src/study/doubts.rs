//! What casts doubt on everything else: units that differ, held-out records that are not held out.

use kinepath::metrics::ValueSummary;

use super::judge::{Judge, Judged};
use super::results::ValueScale;
use crate::format::significant;

/// Share of the held-out records that may be in the training set without a word: large sets have some
/// records twice.
const STRAY: f64 = 0.01;

/// Findings that come before all others.
pub(super) fn doubts(judge: &Judge, baseline: &Judged) -> impl Iterator<Item = String> {
    let held_out = judge.held_out.as_ref().map(|held_out| held_out.values);
    let sets = [("the samples", Some(baseline.values)), ("the held-out records", held_out)];
    let (training, name) = (judge.training_values, &judge.training().name);
    let units = sets
        .into_iter()
        .filter_map(move |(what, values)| warning((what, values?), (name, training)));
    units.chain(judge.held_out_gaps().and_then(|gaps| seen(&gaps.d1)))
}

/// A warning if held-out records lie on training records; `distances` are those between them.
fn seen(distances: &[f64]) -> Option<String> {
    let (all, seen) = (distances.len(), distances.iter().filter(|&&d1| d1 == 0.0).count());
    (seen as f64 > STRAY * all as f64).then(|| {
        format!(
            "{seen} of {all} held-out records are in the training set: what is said of unseen records, \
             such as false alarms, the copying test and distances between distributions, is not said \
             of unseen ones."
        )
    })
}

/// A warning if a set of values does not look as if it were in the units of the training set.
fn warning(
    (what, values): (&str, ValueSummary),
    (name, training): (&str, ValueSummary),
) -> Option<String> {
    let range = |values: ValueSummary| {
        let [min, max, sd] =
            [values.min(), values.max(), values.sd()].map(|value| significant(value, 3));
        format!("from {min} to {max} with an sd of {sd}")
    };
    (!values.may_share_units(&training)).then(|| {
        format!(
            "The values of {what} go {}, those of {name} {}: they do not look like the same units, \
             and if they are not, no distance means anything, F_mem included.",
            range(values),
            range(training)
        )
    })
}

/// A summary as results keep it.
pub(super) fn value_scale(values: ValueSummary) -> ValueScale {
    ValueScale { min: values.min(), max: values.max(), mean: values.mean(), sd: values.sd() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::noise::noise;

    #[test]
    fn held_out_records_that_were_trained_on_are_told() {
        assert_eq!(seen(&[1.0; 100]), None);
        let mut one = vec![1.0; 100];
        one[7] = 0.0;
        assert_eq!(seen(&one), None);
        one[8] = 0.0;
        assert!(seen(&one).unwrap().starts_with("2 of 100 held-out records are in the training"));
    }

    #[test]
    fn a_warning_tells_both_ranges() {
        let pictures = noise(1, 0..100, 30).mapv(|v| v.clamp(-1.0, 1.0));
        let training = ValueSummary::of(pictures.view());
        assert_eq!(warning(("the samples", training), ("train.npy", training)), None);
        let samples = ValueSummary::of(pictures.mapv(|v| (v + 1.0) / 2.0).view());
        let told = warning(("the samples", samples), ("train.npy", training)).unwrap();
        let expected = "The values of the samples go from 0.00 to 1.00 with an sd of ";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.contains("those of train.npy from −1.00 to 1.00"), "{told}");
    }
}

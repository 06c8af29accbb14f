//! Flags for samples at risk of being copies, and how well they find them.

use kinepath::stats::{Bootstrap, Interval, Resampling, share_interval_of_rows};

use super::figures::Inference;
use super::judge::Judged;
use super::results::{FlagScore, Risk};
use crate::StudyError;

/// Gap ratio below which a sample counts as close: half of the way to the next record at most.
const CLOSE: f64 = 0.5;

/// Tries two flags on the baseline's samples: a late-energy spike alone, which a sampler can see
/// without training data, and a spike together with a small gap ratio.
///
/// The spike that counts is chosen on the samples of even index, where it divides memorized from
/// other samples best (the largest recall less false-alarm rate; Youden 1950); precision and
/// recall are measured on those of odd index. `None` where one half has nothing to divide, or all
/// samples have the same spike.
///
/// # Errors
/// [`StudyError::Stats`] for fewer than four samples.
pub(super) fn risk(
    terminal_spike: &[f64],
    judged: &Judged,
    inference: &Inference,
) -> Result<Option<Risk>, StudyError> {
    let half = |odd: usize| (odd..terminal_spike.len()).step_by(2).collect::<Vec<usize>>();
    let (choosing, measuring) = (half(0), half(1));
    if terminal_spike.iter().all(|spike| Some(spike) == terminal_spike.first()) {
        return Ok(None);
    }
    let Some(spike) = best_threshold(terminal_spike, &judged.memorized, &choosing) else {
        return Ok(None);
    };
    let spiking = |row: usize| terminal_spike[row] >= spike;
    let close = |row: usize| judged.gaps.ratio[row] < CLOSE;
    let copied = |row: usize| judged.memorized[row];
    let inauthentic = |row: usize| !judged.authentic[row];
    if measuring.iter().all(|&row| copied(row)) || !measuring.iter().any(|&row| copied(row)) {
        return Ok(None);
    }
    // With several seeds, each half has samples of every seed.
    let (sample, measuring) = inference.rows.subset(&measuring)?;
    let settings = &inference.bootstrap;
    let spike_words = format!("terminal spike ≥ {spike:.4}");
    let both_words = format!("{spike_words} and gap ratio < {CLOSE}");
    let truths: [(&str, &dyn Fn(usize) -> bool); 2] = [
        ("memorized: gap ratio below 1/3", &copied),
        (
            "not authentic: closer to a training record than that is to its own nearest",
            &inauthentic,
        ),
    ];
    let mut flags = Vec::new();
    for (truth, is_true) in truths {
        flags.push(score(&spike_words, truth, (&sample, &measuring), &spiking, is_true, settings));
    }
    // Not against the gap ratio, which is in this flag.
    let (truth, is_true) = truths[1];
    let both = |row: usize| spiking(row) && close(row);
    flags.push(score(&both_words, truth, (&sample, &measuring), &both, is_true, settings));
    Ok(Some(Risk { spike, gap_ratio: CLOSE, sentence: describe(&flags[0]), flags }))
}

/// The value from which on the flag `column ≥ value` has the largest recall less false-alarm rate;
/// the largest of equals. `None` if all rows are hits, or none.
fn best_threshold(column: &[f64], hits: &[bool], rows: &[usize]) -> Option<f64> {
    let mut order = rows.to_vec();
    order.sort_by(|&a, &b| column[b].total_cmp(&column[a]));
    let all = rows.iter().filter(|&&row| hits[row]).count();
    let none = rows.len() - all;
    if all == 0 || none == 0 {
        return None;
    }
    let (mut true_flags, mut false_flags) = (0, 0);
    let mut best = (f64::NEG_INFINITY, f64::INFINITY);
    for (position, &row) in order.iter().enumerate() {
        if hits[row] {
            true_flags += 1;
        } else {
            false_flags += 1;
        }
        let last_of_equals = order.get(position + 1).is_none_or(|&next| column[next] < column[row]);
        let youden = true_flags as f64 / all as f64 - false_flags as f64 / none as f64;
        if last_of_equals && youden > best.0 {
            best = (youden, column[row]);
        }
    }
    Some(best.1)
}

/// How well a flag finds what is true of the rows of a sample.
fn score(
    flag: &str,
    truth: &str,
    (sample, rows): (&Resampling, &[usize]),
    is_flagged: &dyn Fn(usize) -> bool,
    is_true: &dyn Fn(usize) -> bool,
    settings: &Bootstrap,
) -> FlagScore {
    let marks: Vec<(bool, bool)> =
        rows.iter().map(|&row| (is_flagged(row), is_true(row))).collect();
    let share = |of: fn(&(bool, bool)) -> bool| {
        marks.iter().filter(|mark| of(mark)).count() as f64 / marks.len() as f64
    };
    // Undefined without any flagged sample, or any copy: then there is no figure.
    let hits: Vec<bool> = marks.iter().map(|&(flagged, hit)| flagged && hit).collect();
    let conditional = |given: fn(&(bool, bool)) -> bool| -> Option<Interval> {
        let rows: Vec<usize> = (0..marks.len()).filter(|&row| given(&marks[row])).collect();
        share_interval_of_rows(&hits, &rows, sample, settings).ok()
    };
    FlagScore {
        flag: flag.to_owned(),
        truth: truth.to_owned(),
        base_rate: share(|&(_, hit)| hit),
        flagged: share(|&(flagged, _)| flagged),
        precision: conditional(|&(flagged, _)| flagged),
        recall: conditional(|&(_, hit)| hit),
    }
}

fn describe(spike: &FlagScore) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    match (spike.precision, spike.recall) {
        (Some(precision), Some(recall)) if spike.marks() => format!(
            "A late-energy spike marks copies: of the samples flagged, {} are memorized against {} \
             of all, and {} of the memorized are flagged.",
            percent(precision.estimate),
            percent(spike.base_rate),
            percent(recall.estimate)
        ),
        (Some(precision), Some(_)) => format!(
            "A late-energy spike does not detectably mark copies: {} of the samples flagged are \
             memorized, and {} of all.",
            percent(precision.estimate),
            percent(spike.base_rate)
        ),
        _ => "A late-energy spike flags too few samples to say whether it marks copies.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_threshold_is_the_best_of_all(
            pairs in proptest::collection::vec((0u8..6, proptest::bool::ANY), 2..40),
        ) {
            let column: Vec<f64> = pairs.iter().map(|&(value, _)| f64::from(value)).collect();
            let hits: Vec<bool> = pairs.iter().map(|&(_, hit)| hit).collect();
            let rows: Vec<usize> = (0..pairs.len()).collect();
            let all = hits.iter().filter(|&&hit| hit).count();
            let youden = |threshold: f64| {
                let flagged = |hit: bool| {
                    rows.iter().filter(|&&r| hits[r] == hit && column[r] >= threshold).count() as f64
                };
                flagged(true) / all as f64 - flagged(false) / (rows.len() - all) as f64
            };
            match best_threshold(&column, &hits, &rows) {
                None => prop_assert!(all == 0 || all == rows.len()),
                Some(best) => {
                    let most = column.iter().map(|&value| youden(value)).fold(f64::MIN, f64::max);
                    prop_assert!((youden(best) - most).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn precision_and_recall_by_hand() {
        let (flagged, copied) = ([true, true, false, false], [true, false, true, true]);
        let (sample, rows): (_, Vec<usize>) = (Resampling::flat(400), (0..400).collect());
        let rows = (&sample, rows.as_slice());
        let settings = Bootstrap { resamples: 100, ..Bootstrap::default() };
        let found =
            score("f", "t", rows, &|row| flagged[row % 4], &|row| copied[row % 4], &settings);
        assert_eq!((found.base_rate, found.flagged), (0.75, 0.5));
        assert_eq!(found.precision.unwrap().estimate, 0.5);
        assert!((found.recall.unwrap().estimate - 1.0 / 3.0).abs() < 1e-12);
        assert!(describe(&found).contains("does not detectably mark"));
        let never = score("f", "t", rows, &|_| false, &|row| copied[row % 4], &settings);
        assert_eq!(never.precision, None);
        assert!(describe(&never).contains("too few"));
    }
}

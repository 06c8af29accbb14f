//! The Goldilocks curve: memorization and fidelity along kinetic path energy.

use kinepath::stats::{Bootstrap, Interval, mean_interval, quantile_bins};

use super::judge::Judged;
use super::results::{Goldilocks, GoldilocksBin};
use crate::StudyError;
use crate::report::format::significant;

/// One quantile bin with the bootstrap replicates of its two means.
struct Bin {
    rows: Vec<usize>,
    f_mem: Vec<f64>,
    fidelity: Vec<f64>,
}

/// Samples in `count` KPE quantile bins, and the band of bins whose fidelity is not significantly
/// below the best and whose F_mem is not significantly above the lowest.
///
/// Two bins differ significantly when the percentile interval of the bootstrapped difference of
/// their means, resampled independently within each bin, excludes 0. The best bin is chosen
/// from the same data, so the level is shared out over all pairs of bins (Bonferroni); for n bins
/// that takes about 20 n (n − 1) resamples at the 95 % level, and with fewer no bin stands out.
///
/// # Errors
/// [`StudyError::Stats`] if there are more bins than samples.
pub(super) fn goldilocks(
    kpe: &[f64],
    judged: &Judged,
    count: usize,
    bootstrap: &Bootstrap,
) -> Result<Goldilocks, StudyError> {
    let fidelity = &judged.fidelity.margin;
    let bins: Vec<Bin> = quantile_bins(kpe, count)?
        .into_iter()
        .enumerate()
        .map(|(bin, rows)| Bin {
            f_mem: replicates(&judged.memorized, &rows, bootstrap, bin),
            fidelity: replicates(fidelity, &rows, bootstrap, bin),
            rows,
        })
        .collect();
    let summaries = bins
        .iter()
        .map(|bin| {
            let column = |values: &[f64]| -> Result<Interval, StudyError> {
                let values: Vec<f64> = bin.rows.iter().map(|&row| values[row]).collect();
                Ok(mean_interval(&values, bootstrap)?)
            };
            Ok(GoldilocksBin {
                count: bin.rows.len(),
                kpe_low: bin.rows.iter().map(|&row| kpe[row]).fold(f64::INFINITY, f64::min),
                kpe_high: bin.rows.iter().map(|&row| kpe[row]).fold(f64::NEG_INFINITY, f64::max),
                f_mem: column(&judged.memorized)?,
                fidelity: column(fidelity)?,
            })
        })
        .collect::<Result<Vec<_>, StudyError>>()?;

    let best = extreme(&summaries, |bin| bin.fidelity.estimate);
    let lowest = extreme(&summaries, |bin| -bin.f_mem.estimate);
    let comparisons = (bins.len() * (bins.len() - 1) / 2).max(1);
    let tail = (1.0 - bootstrap.level) / 2.0 / comparisons as f64;
    let faithful: Vec<bool> =
        bins.iter().map(|bin| !exceeds(&bins[best].fidelity, &bin.fidelity, tail)).collect();
    let original: Vec<bool> =
        bins.iter().map(|bin| !exceeds(&bin.f_mem, &bins[lowest].f_mem, tail)).collect();
    let band = longest_run(&faithful, &original);
    let sentence = describe(&summaries, &faithful, &original, band);
    Ok(Goldilocks { bins: summaries, band, sentence })
}

/// Means of `column` over resamples of `rows`. Bins resample independently of one another: each
/// draws from a seed of its own.
fn replicates(column: &[f64], rows: &[usize], bootstrap: &Bootstrap, bin: usize) -> Vec<f64> {
    let own = Bootstrap { seed: bootstrap.seed ^ (bin as u64 + 1).rotate_right(8), ..*bootstrap };
    let mut draw = vec![0; rows.len()];
    (0..own.resamples)
        .map(|replicate| {
            own.draw(replicate, &mut draw);
            draw.iter().map(|&i| column[rows[i]]).sum::<f64>() / rows.len() as f64
        })
        .collect()
}

/// Whether replicates `a` are significantly above `b`: at most a share `tail` of the differences
/// `a − b`, counting one more, are at most 0.
fn exceeds(a: &[f64], b: &[f64], tail: f64) -> bool {
    let not_above = a.iter().zip(b).filter(|(a, b)| a <= b).count();
    (1 + not_above) as f64 <= tail * (a.len() + 1) as f64
}

fn extreme(bins: &[GoldilocksBin], value: impl Fn(&GoldilocksBin) -> f64) -> usize {
    let mut best = 0;
    for (i, bin) in bins.iter().enumerate() {
        if value(bin) > value(&bins[best]) {
            best = i;
        }
    }
    best
}

/// The longest stretch of bins that are both faithful and original; the first of equals.
fn longest_run(faithful: &[bool], original: &[bool]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut start = None;
    for i in 0..=faithful.len() {
        let inside = i < faithful.len() && faithful[i] && original[i];
        match (inside, start) {
            (true, None) => start = Some(i),
            (false, Some(first)) => {
                if best.is_none_or(|(a, b)| i - first > b - a + 1) {
                    best = Some((first, i - 1));
                }
                start = None;
            }
            _ => {}
        }
    }
    best
}

fn describe(
    bins: &[GoldilocksBin],
    faithful: &[bool],
    original: &[bool],
    band: Option<(usize, usize)>,
) -> String {
    let flat = |flags: &[bool]| flags.iter().all(|&flag| flag);
    let Some((first, last)) = band else {
        return "No Goldilocks band: wherever fidelity is near its best, memorization is \
                significantly above its lowest."
            .to_owned();
    };
    let (from, to) = (significant(bins[first].kpe_low, 4), significant(bins[last].kpe_high, 4));
    let range = match (first == 0, last == bins.len() - 1) {
        (false, false) => format!("between the energies {from} and {to}"),
        (true, false) => format!("below the energy {to}"),
        (false, true) => format!("above the energy {from}"),
        (true, true) => "at both ends of the energy".to_owned(),
    };
    let interior = first > 0 && last + 1 < bins.len();
    match (flat(faithful), flat(original)) {
        (true, true) => format!(
            "Neither fidelity nor memorization differs significantly along the energy at about {} \
             samples a bin: no Goldilocks band can be told.",
            bins[0].count
        ),
        (false, true) => format!(
            "No Goldilocks trade-off: memorization does not differ significantly along the \
             energy; fidelity is near its best {range}."
        ),
        (true, false) => format!(
            "No Goldilocks trade-off: fidelity does not differ significantly along the energy; \
             memorization is near its lowest {range}."
        ),
        (false, false) if interior => format!(
            "A Goldilocks band: {range}, and for no longer stretch, fidelity is not significantly \
             below its best and memorization not significantly above its lowest."
        ),
        (false, false) => format!(
            "No interior optimum: fidelity is near its best and memorization near its lowest \
             {range}."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_stretch_wins() {
        let flags = [true, false, true, true, true, false, true, true];
        assert_eq!(longest_run(&flags, &[true; 8]), Some((2, 4)));
        assert_eq!(longest_run(&flags, &flags.map(|flag| !flag)), None);
        assert_eq!(longest_run(&[true; 3], &[true; 3]), Some((0, 2)));
    }

    #[test]
    fn replicates_that_mostly_differ_are_significant() {
        let low: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
        let high: Vec<f64> = low.iter().map(|v| v + 20.0).collect();
        assert!(exceeds(&high, &low, 0.025));
        assert!(!exceeds(&low, &high, 0.025));
        assert!(!exceeds(&low, &low, 0.025));
    }

    #[test]
    fn the_sentence_follows_the_curve() {
        let interval = |estimate| Interval { estimate, low: estimate, high: estimate };
        let bins: Vec<GoldilocksBin> = (0..4)
            .map(|i| GoldilocksBin {
                count: 48,
                kpe_low: 10.0 * f64::from(i),
                kpe_high: 10.0 * f64::from(i) + 9.0,
                f_mem: interval(0.1),
                fidelity: interval(0.9),
            })
            .collect();
        let sentence = |faithful: [bool; 4], original: [bool; 4]| {
            describe(&bins, &faithful, &original, longest_run(&faithful, &original))
        };
        let all = [true; 4];
        assert!(sentence(all, all).contains("at about 48 samples a bin"));
        assert!(sentence([false, false, true, true], all).contains("best above the energy 20.00"));
        assert!(
            sentence(all, [true, true, false, false]).contains("lowest below the energy 19.00")
        );
        let band = sentence([false, true, true, true], [true, true, true, false]);
        assert!(band.contains("A Goldilocks band: between the energies 10.00 and 29.00"), "{band}");
        let edge = sentence([true, true, true, false], [true, true, false, false]);
        assert!(edge.contains("No interior optimum") && edge.contains("below"), "{edge}");
        let none = sentence([false, false, true, true], [true, true, false, false]);
        assert!(none.contains("No Goldilocks band"), "{none}");
    }
}

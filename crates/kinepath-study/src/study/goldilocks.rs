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
/// their means, resampled independently within each bin, excludes 0.
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
    let faithful: Vec<bool> = bins
        .iter()
        .map(|bin| !exceeds(&bins[best].fidelity, &bin.fidelity, bootstrap.level))
        .collect();
    let original: Vec<bool> =
        bins.iter().map(|bin| !exceeds(&bin.f_mem, &bins[lowest].f_mem, bootstrap.level)).collect();
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

/// Whether replicates `a` are significantly above `b`: the interval of `a − b` lies above 0.
fn exceeds(a: &[f64], b: &[f64], level: f64) -> bool {
    let not_above = a.iter().zip(b).filter(|(a, b)| a <= b).count();
    (not_above as f64) < (1.0 - level) / 2.0 * a.len() as f64
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
    let last = bins.len() - 1;
    let per_bin = bins[0].count;
    let all = |flags: &[bool]| flags.iter().all(|&flag| flag);
    match band {
        _ if all(faithful) && all(original) => format!(
            "Neither fidelity nor memorization differs significantly along the energy at about \
             {per_bin} samples a bin: no Goldilocks band can be told."
        ),
        None => "No Goldilocks band: wherever fidelity is near its best, memorization is \
                 significantly above its lowest."
            .to_owned(),
        Some((first, end)) => {
            let (from, to) =
                (significant(bins[first].kpe_low, 4), significant(bins[end].kpe_high, 4));
            match (first == 0, end == last) {
                (false, false) => format!(
                    "A Goldilocks band: between energies {from} and {to}, fidelity is not significantly \
                     below its best and memorization not significantly above its lowest; outside \
                     it, one of them is."
                ),
                (true, false) => format!(
                    "No interior optimum: the least energetic samples are best, up to the energy \
                     {to}; above it, fidelity is lower or memorization higher."
                ),
                (false, true) => format!(
                    "No interior optimum: the most energetic samples are best, from the energy \
                     {from} on; below it, fidelity is lower or memorization higher."
                ),
                (true, true) => format!(
                    "No interior optimum: the band from {from} to {to} spans the whole range."
                ),
            }
        }
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
        assert!(exceeds(&high, &low, 0.95));
        assert!(!exceeds(&low, &high, 0.95));
        assert!(!exceeds(&low, &low, 0.95));
    }
}

//! The rule that finds the Goldilocks band in a curve of bins.

use kinepath::stats::{Resampling, StatsError, mean_of_rows, normal_quantile, quantile_bins};

/// The samples that the curve is drawn from: columns of equal length.
#[derive(Clone, Copy)]
pub(in crate::study) struct Columns<'a> {
    /// Kinetic path energy.
    pub(in crate::study) kpe: &'a [f64],
    /// Fidelity, higher is better.
    pub(in crate::study) fidelity: &'a [f64],
    /// 1 for memorized samples, else 0.
    pub(in crate::study) memorized: &'a [f64],
}

impl Columns<'_> {
    /// Copies the samples in `rows`.
    pub(super) fn select(&self, rows: &[usize]) -> [Vec<f64>; 3] {
        [self.kpe, self.fidelity, self.memorized]
            .map(|column| rows.iter().map(|&row| column[row]).collect())
    }
}

/// A mean and its standard error.
#[derive(Debug, Clone, Copy)]
struct Mean {
    value: f64,
    standard_error: f64,
}

/// Bins of KPE and which of them may belong to the band.
pub(super) struct Band {
    /// Rows of every bin, in ascending order of energy.
    pub(super) bins: Vec<Vec<usize>>,
    /// Whether fidelity is not significantly below that of the best bin.
    pub(super) faithful: Vec<bool>,
    /// Whether memorization is not significantly above that of the lowest bin.
    pub(super) original: Vec<bool>,
    /// First and last bin of the longest stretch of bins that are both.
    pub(super) stretch: Option<(usize, usize)>,
}

/// Divides samples into `count` quantile bins of KPE and finds the band: the longest stretch of
/// bins whose fidelity is not significantly below the best and whose F_mem is not significantly
/// above the lowest.
///
/// Two bins differ significantly when the difference of their means is beyond its standard error
/// times the normal quantile of the level. Where `sample` has several seeds, that error has what
/// they add to the error of independent samples ([`Resampling::variance_between`]). The best bin is chosen from the same data, so the level
/// of 5 % is shared out over all pairs of bins (Bonferroni). Shares are compared
/// with a hit and a miss more each (Agresti & Caffo 2000): a bin without copies is not known to stay
/// so.
///
/// # Errors
/// [`StatsError`] if there are fewer samples than bins, or `sample` is not one of theirs.
pub(super) fn band(
    columns: Columns<'_>,
    sample: &Resampling,
    count: usize,
) -> Result<Band, StatsError> {
    let bins = quantile_bins(columns.kpe, count)?;
    let pairs = (count * (count - 1) / 2).max(1);
    let critical = normal_quantile(1.0 - 0.025 / pairs as f64);
    let fidelity: Vec<Mean> = bins.iter().map(|rows| mean(columns.fidelity, rows)).collect();
    let f_mem: Vec<Mean> = bins.iter().map(|rows| share(columns.memorized, rows)).collect();
    // Whether the mean of bin a is significantly above that of bin b.
    let exceeds = |column: &[f64], means: &[Mean], a: usize, b: usize| {
        let difference = means[a].value - means[b].value;
        let error = means[a].standard_error.hypot(means[b].standard_error);
        if difference <= critical * error {
            return Ok(false);
        }
        let influences = influences(column, &bins[a], &bins[b]);
        let seeds = sample.variance_between(&influences)?.sqrt();
        Ok(difference > critical * error.hypot(seeds))
    };
    let (best, lowest) = (extreme(&fidelity, 1.0), extreme(&f_mem, -1.0));
    let faithful: Vec<bool> = (0..count)
        .map(|bin| Ok(!exceeds(columns.fidelity, &fidelity, best, bin)?))
        .collect::<Result<_, StatsError>>()?;
    let original: Vec<bool> = (0..count)
        .map(|bin| Ok(!exceeds(columns.memorized, &f_mem, bin, lowest)?))
        .collect::<Result<_, StatsError>>()?;
    let stretch = longest_stretch(&faithful, &original);
    Ok(Band { bins, faithful, original, stretch })
}

impl Band {
    /// Whether bins below the band lack fidelity and bins above it memorize: an optimum inside.
    pub(super) fn is_interior(&self) -> bool {
        let Some((first, last)) = self.stretch else { return false };
        self.faithful[..first].contains(&false) && self.original[last + 1..].contains(&false)
    }

    /// The energies between which the band lies, if there is one.
    pub(super) fn ends(&self, kpe: &[f64]) -> Option<(f64, f64)> {
        let (first, last) = self.stretch?;
        Some((kpe[*self.bins[first].first()?], kpe[*self.bins[last].last()?]))
    }
}

fn mean(column: &[f64], rows: &[usize]) -> Mean {
    let count = rows.len() as f64;
    let value = mean_of_rows(column, rows);
    let squares: f64 = rows.iter().map(|&row| (column[row] - value).powi(2)).sum();
    let variance = squares / (count - 1.0).max(1.0);
    Mean { value, standard_error: (variance / count).sqrt() }
}

fn share(column: &[f64], rows: &[usize]) -> Mean {
    let count = rows.len() as f64;
    let hits: f64 = rows.iter().map(|&row| column[row]).sum();
    let guarded = (hits + 1.0) / (count + 2.0);
    let variance = guarded * (1.0 - guarded) / (count + 2.0);
    Mean { value: guarded, standard_error: variance.sqrt() }
}

/// What every sample adds to the difference between the means of a column over two bins, the first
/// less the second.
fn influences(column: &[f64], above: &[usize], below: &[usize]) -> Vec<f64> {
    let mut influences = vec![0.0; column.len()];
    for (rows, sign) in [(above, 1.0), (below, -1.0)] {
        let count = rows.len() as f64;
        let mean = mean_of_rows(column, rows);
        for &row in rows {
            influences[row] += sign * (column[row] - mean) / count;
        }
    }
    influences
}

/// The first bin of the largest mean, or of the smallest for a `sign` of −1.
fn extreme(means: &[Mean], sign: f64) -> usize {
    let mut best = 0;
    for (bin, mean) in means.iter().enumerate() {
        if sign * mean.value > sign * means[best].value {
            best = bin;
        }
    }
    best
}

/// The longest stretch of bins that are both faithful and original; the first of equals.
fn longest_stretch(faithful: &[bool], original: &[bool]) -> Option<(usize, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `per_bin` samples in each of `levels.len()` bins, with a fidelity and a share of copies.
    fn curve(levels: &[(f64, f64)], per_bin: usize) -> [Vec<f64>; 3] {
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for (bin, &(fidelity, share)) in levels.iter().enumerate() {
            for i in 0..per_bin {
                let wobble = ((i * i) as f64 * 0.618).sin();
                columns[0].push(bin as f64 + i as f64 / per_bin as f64);
                columns[1].push(fidelity + 0.05 * wobble);
                columns[2].push(f64::from((i as f64) < share * per_bin as f64));
            }
        }
        columns
    }

    fn find(levels: &[(f64, f64)], per_bin: usize) -> Band {
        let [kpe, fidelity, memorized] = curve(levels, per_bin);
        let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &memorized };
        band(columns, &Resampling::flat(kpe.len()), levels.len()).unwrap()
    }

    #[test]
    fn a_band_stands_between_low_fidelity_and_copies() {
        let found = find(&[(0.5, 0.0), (0.9, 0.0), (0.9, 0.05), (0.9, 0.8)], 100);
        assert_eq!(found.stretch, Some((1, 2)));
        assert!(found.is_interior());
        let few = find(&[(0.5, 0.0), (0.9, 0.0), (0.9, 0.05), (0.9, 0.8)], 3);
        assert_eq!(few.original, [true; 4], "three samples a bin show no difference in copies");
    }

    #[test]
    fn flat_and_monotone_curves_have_no_interior_band() {
        let flat = find(&[(0.9, 0.2); 5], 60);
        assert_eq!((flat.stretch, flat.is_interior()), (Some((0, 4)), false));
        let copies = find(&[(0.9, 0.0), (0.9, 0.4), (0.9, 0.9)], 60);
        assert_eq!((copies.stretch, copies.is_interior()), (Some((0, 0)), false));
        let clash = find(&[(0.1, 0.0), (0.9, 0.9)], 60);
        assert_eq!((clash.stretch, clash.is_interior()), (None, false));
    }

    /// The same curve in each of three seeds is a band; the same pooled curve with all of its copies
    /// in one seed is a matter of that seed.
    #[test]
    fn what_one_seed_alone_shows_is_not_significant() {
        let levels = [(0.9, 0.0), (0.9, 0.0), (0.9, 0.0), (0.9, 0.3)];
        let [kpe, fidelity, _] = curve(&levels, 99);
        let stack = |column: &[f64]| -> Vec<f64> { column.repeat(3) };
        let (kpe, fidelity) = (stack(&kpe), stack(&fidelity));
        let last_bin = |row: usize| row % 396 >= 297;
        let every: Vec<f64> =
            (0..1188).map(|row| f64::from(last_bin(row) && row % 10 < 3)).collect();
        let one: Vec<f64> =
            (0..1188).map(|row| f64::from(last_bin(row) && row / 396 == 1)).collect();
        let original = |memorized: &[f64], seeds: &[usize]| {
            let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized };
            band(columns, &Resampling::nested(seeds).unwrap(), 4).unwrap().original
        };
        let (flat, seeds) = ([1188], [396; 3]);
        assert_eq!(original(&every, &flat), [true, true, true, false]);
        assert_eq!(original(&every, &seeds), [true, true, true, false]);
        assert_eq!(original(&one, &flat), [true, true, true, false]);
        assert_eq!(original(&one, &seeds), [true; 4]);
        let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &one };
        let error = band(columns, &Resampling::flat(5), 4).err();
        assert!(matches!(error, Some(StatsError::LengthMismatch { .. })), "{error:?}");
    }

    #[test]
    fn the_longest_stretch_wins() {
        let flags = [true, false, true, true, true, false, true, true];
        assert_eq!(longest_stretch(&flags, &[true; 8]), Some((2, 4)));
        assert_eq!(longest_stretch(&flags, &flags.map(|flag| !flag)), None);
        assert_eq!(longest_stretch(&[true; 3], &[true; 3]), Some((0, 2)));
    }

    #[test]
    fn flat_noise_rarely_shows_a_band() {
        use kinepath::noise::noise;
        let found = (0..400)
            .filter(|&trial| {
                let draws = noise(7, trial * 400..(trial + 1) * 400, 3);
                let column = |j: usize| -> Vec<f64> {
                    draws.column(j).iter().map(|&v| f64::from(v)).collect()
                };
                let memorized: Vec<f64> = column(2).iter().map(|&v| f64::from(v < -0.5)).collect();
                let (kpe, fidelity) = (column(0), column(1));
                let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &memorized };
                let found = band(columns, &Resampling::flat(400), 8).unwrap();
                found.faithful.contains(&false) || found.original.contains(&false)
            })
            .count();
        // Two figures at 5 % each, at most, by Bonferroni: 10 % of 400, and four sigma more.
        assert!(found <= 64, "{found} of 400 flat curves were called uneven");
    }
}

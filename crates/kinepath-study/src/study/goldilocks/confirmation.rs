//! A band found on one half of the samples, tried on the other.

use kinepath::stats::{Interval, StatsError, bootstrap};

use super::band::{Band, Columns, band};
use crate::format::significant;
use crate::study::figures::Inference;
use crate::study::results::BandConfirmation;

/// Finds an interior band on the samples of even index and tries it on those of odd index, which
/// had no part in choosing it: fidelity in the band should be above that below it, and F_mem above
/// the band above that in it. With several seeds, each half has samples of every seed.
///
/// # Errors
/// [`StatsError::TooFew`] for fewer than two samples.
pub(super) fn confirm(
    columns: Columns<'_>,
    bins: usize,
    inference: &Inference,
) -> Result<BandConfirmation, StatsError> {
    let half = |odd: usize| {
        let rows: Vec<usize> = (odd..columns.kpe.len()).step_by(2).collect();
        let (sample, rows) = inference.rows.subset(&rows)?;
        Ok((sample, columns.select(&rows)))
    };
    let (sample, [kpe, fidelity, memorized]) = half(0)?;
    let finding = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &memorized };
    let found = match band(finding, &sample, bins) {
        // Half of the samples may be too few for the bins of all.
        Err(StatsError::Bins { .. }) => None,
        found => Some(found?).filter(Band::is_interior),
    };
    let Some((from, to)) = found.and_then(|band| band.ends(&kpe)) else {
        return Ok(BandConfirmation {
            band: None,
            fidelity_gain: None,
            memorization_avoided: None,
            sentence: "Half of the samples alone shows no interior band, so there is none to try \
                       on the other half."
                .to_owned(),
        });
    };
    let (sample, [kpe, fidelity, memorized]) = half(1)?;
    let settings = &inference.bootstrap;
    let below = |row: usize| kpe[row] < from;
    let inside = |row: usize| (from..=to).contains(&kpe[row]);
    let above = |row: usize| kpe[row] > to;
    // An empty side has no mean, and so no interval: the band is then not confirmed.
    let fidelity_gain = bootstrap(sample.clone(), settings, |rows| {
        mean_where(&fidelity, rows, inside) - mean_where(&fidelity, rows, below)
    })
    .ok();
    let memorization_avoided = bootstrap(sample, settings, |rows| {
        mean_where(&memorized, rows, above) - mean_where(&memorized, rows, inside)
    })
    .ok();
    let sentence = describe((from, to), fidelity_gain, memorization_avoided);
    Ok(BandConfirmation { band: Some((from, to)), fidelity_gain, memorization_avoided, sentence })
}

/// The mean over those of `rows` that `belongs` to; NaN if there is none.
fn mean_where(column: &[f64], rows: &[usize], belongs: impl Fn(usize) -> bool) -> f64 {
    let (sum, count) = rows
        .iter()
        .filter(|&&row| belongs(row))
        .fold((0.0, 0u32), |(sum, count), &row| (sum + column[row], count + 1));
    sum / f64::from(count)
}

fn describe(
    (from, to): (f64, f64),
    fidelity_gain: Option<Interval>,
    memorization_avoided: Option<Interval>,
) -> String {
    let above_zero =
        |interval: Option<Interval>| interval.is_some_and(|interval| interval.low > 0.0);
    let place = format!(
        "the band that one half of the samples shows, between {} and {},",
        significant(from, 4),
        significant(to, 4)
    );
    match (above_zero(fidelity_gain), above_zero(memorization_avoided)) {
        (true, true) => format!(
            "Confirmed on unseen samples: {place} has higher fidelity than the energies below it \
             and less memorization than those above it on the other half too."
        ),
        (false, false) => format!(
            "Not confirmed: {place} has neither detectably higher fidelity than below nor less \
             memorization than above on the other half."
        ),
        (true, false) => format!(
            "Half confirmed: {place} has higher fidelity than below on the other half, but not \
             detectably less memorization than above."
        ),
        (false, true) => format!(
            "Half confirmed: {place} has less memorization than above on the other half, but not \
             detectably higher fidelity than below."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fidelity rises to its best at energy 1, copies begin at energy 2, if `real`.
    fn samples(count: usize, real: bool) -> [Vec<f64>; 3] {
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for i in 0..count {
            let kpe = 3.0 * i as f64 / count as f64;
            let wobble = |salt: f64| ((i * i) as f64 * 0.618 + salt).sin();
            let (low, copied) = if real { (kpe < 1.0, kpe > 2.0) } else { (false, false) };
            columns[0].push(kpe);
            columns[1].push(if low { 0.3 } else { 0.8 } + 0.2 * wobble(0.2));
            columns[2].push(f64::from(copied && wobble(1.1) > -0.5));
        }
        columns
    }

    fn run(real: bool) -> BandConfirmation {
        let [kpe, fidelity, memorized] = samples(600, real);
        let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &memorized };
        confirm(columns, 6, &Inference::new(300, 0, &[600]).unwrap()).unwrap()
    }

    #[test]
    fn a_real_band_is_confirmed() {
        let outcome = run(true);
        let (from, to) = outcome.band.unwrap();
        assert!((from - 1.0).abs() < 0.02 && (to - 2.0).abs() < 0.02, "{from} {to}");
        assert!((outcome.fidelity_gain.unwrap().estimate - 0.5).abs() < 0.05);
        assert!(outcome.sentence.starts_with("Confirmed"), "{}", outcome.sentence);
    }

    /// Above the band, 3, 6 and 9 of 10 samples of three seeds are copies. Over seeds, the difference
    /// to none in the band has the variance of a mean of three draws from these, and 0.3 or 0.9 comes
    /// out where all three are of one seed: once in 27 times each.
    #[test]
    fn what_depends_on_the_seed_is_uncertain() {
        let [kpe, fidelity, _] = samples(600, true).map(|column| column.repeat(3));
        let copied = |row: usize| kpe[row] > 2.0 && (row / 2) % 10 < 3 * (row / 600 + 1);
        let memorized: Vec<f64> = (0..1800).map(|row| f64::from(copied(row))).collect();
        let avoided = |counts: &[usize]| {
            let inference = Inference::new(2000, 0, counts).unwrap();
            let columns = Columns { kpe: &kpe, fidelity: &fidelity, memorized: &memorized };
            confirm(columns, 6, &inference).unwrap().memorization_avoided.unwrap()
        };
        let (flat, nested) = (avoided(&[1800]), avoided(&[600; 3]));
        assert!((flat.estimate - 0.6).abs() < 0.01 && flat.estimate == nested.estimate);
        let half = |interval: Interval| (interval.high - interval.low) / 2.0;
        // 300 samples of the trying half lie above the band.
        let expected = 1.96 * (0.6f64 * 0.4 / 300.0).sqrt();
        assert!((half(flat) / expected - 1.0).abs() < 0.1, "{flat:?} {expected}");
        assert!(nested.low < 0.35 && nested.high > 0.85, "{nested:?}");
    }

    #[test]
    fn a_flat_curve_has_nothing_to_confirm() {
        let outcome = run(false);
        assert_eq!(outcome.band, None);
        assert!(outcome.sentence.contains("no interior band"));
    }

    #[test]
    fn the_sentence_follows_the_intervals() {
        let interval = |low, high| Some(Interval { estimate: 0.0, low, high });
        let (yes, no) = (interval(0.1, 0.2), interval(-0.1, 0.2));
        for (gain, avoided, words) in [
            (yes, yes, "Confirmed"),
            (yes, no, "not detectably less memorization"),
            (no, yes, "not detectably higher fidelity"),
            (no, None, "Not confirmed"),
        ] {
            assert!(describe((1.0, 2.0), gain, avoided).contains(words), "{words}");
        }
    }
}

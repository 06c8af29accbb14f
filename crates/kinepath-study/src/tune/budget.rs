//! How many samples a search takes, and how many gains fit into a given time.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::confirm::RIVALS;
use super::settings::{MOST_CANDIDATES, TuneSettings};
use super::space::PUBLISHED;
use crate::StudyError;
use crate::files::write_whole;

/// Share of a time budget that goes to the confirmation.
const CONFIRMATION_SHARE: f64 = 0.5;
/// Share of a time budget that is planned for; the rest covers what the measured cost misses.
const PLANNED_SHARE: f64 = 0.9;
/// What the first rung of the baseline cost, so that a resumed search chooses the same numbers.
const COST_FILE: &str = "cost.toml";

/// The rungs of successive halving (Jamieson & Talwalkar 2016, "Non-stochastic best arm
/// identification and hyperparameter optimization"): the samples per gain double from rung to rung
/// while the gains become fewer.
///
/// Samples are nested: rung r judges a gain on samples `0..samples(r)`, of which only those from
/// `samples(r − 1)` on are new.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rungs {
    pub(super) count: usize,
    pub(super) rungs: usize,
    pub(super) keep: usize,
}

impl Rungs {
    pub(super) fn of(settings: &TuneSettings) -> Self {
        Self { count: settings.count, rungs: settings.rungs, keep: settings.keep }
    }

    /// Samples per gain in rung `rung`, from 0.
    pub(super) fn samples(&self, rung: usize) -> usize {
        self.count.saturating_mul(1_usize.checked_shl(rung as u32).unwrap_or(usize::MAX))
    }

    /// Sample indices at which the rungs up to `rung` begin and end: 0, n₀, n₁, …
    pub(super) fn cuts(&self, rung: usize) -> Vec<usize> {
        std::iter::once(0).chain((0..=rung).map(|r| self.samples(r))).collect()
    }

    /// Gains in rung `rung` of a search that begins with `candidates`, never fewer than one.
    pub(super) fn gains(&self, candidates: usize, rung: usize) -> usize {
        (0..rung).fold(candidates, |gains, _| gains.div_ceil(self.keep))
    }

    /// Samples that a search of `candidates` gains and its baseline computes.
    pub(super) fn search_samples(&self, candidates: usize) -> usize {
        let new = |rung| self.samples(rung) - if rung == 0 { 0 } else { self.samples(rung - 1) };
        (0..self.rungs).map(|rung| (self.gains(candidates, rung) + 1) * new(rung)).sum()
    }

    /// The numbers that fit into `minutes` when a sample costs `seconds`: a confirmation of so many
    /// runs that takes half of the time, and as many candidates as the other half allows.
    fn fit(&self, minutes: f64, seconds: f64, runs: usize) -> Result<Budget, StudyError> {
        let affordable = minutes * 60.0 * PLANNED_SHARE / seconds;
        let confirm = (affordable * CONFIRMATION_SHARE / runs as f64) as usize;
        let search = (affordable * (1.0 - CONFIRMATION_SHARE)) as usize;
        let least = PUBLISHED.len() + 1;
        let needed = (self.search_samples(least) as f64 / (1.0 - CONFIRMATION_SHARE))
            .max((runs * self.count) as f64 / CONFIRMATION_SHARE);
        if self.search_samples(least) > search || confirm < self.count {
            return Err(StudyError::Mismatch(format!(
                "{minutes} minutes are enough for {affordable:.0} samples at {seconds:.3} s each, \
                 but the smallest search of {} rungs of {} samples takes {needed:.0}; allow {:.1} \
                 minutes, or lower count or rungs",
                self.rungs,
                self.count,
                ((needed + 1.0) * seconds / PLANNED_SHARE / 6.0).ceil() / 10.0
            )));
        }
        // The cost grows with the number of candidates.
        let (mut fits, mut exceeds) = (least, search.min(MOST_CANDIDATES) + 1);
        while exceeds - fits > 1 {
            let middle = fits + (exceeds - fits) / 2;
            if self.search_samples(middle) <= search { fits = middle } else { exceeds = middle }
        }
        Ok(Budget { candidates: fits, confirm, seconds_per_sample: Some(seconds) })
    }
}

/// Runs of the confirmation: the baseline, the finalists and their rivals.
fn confirmation_runs(settings: &TuneSettings) -> usize {
    1 + settings.finalists + RIVALS
}

/// The numbers a search was made with, chosen or given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Gains in the first rung.
    pub candidates: usize,
    /// Fresh samples per gain of the confirmation.
    pub confirm: usize,
    /// What sampling and judging cost, in seconds per sample of the baseline's first rung; absent
    /// where the numbers were given.
    pub seconds_per_sample: Option<f64>,
}

/// The measured cost, as its file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    seconds_per_sample: f64,
}

impl Budget {
    /// The numbers of the settings, or those that fit into their minutes.
    ///
    /// The cost is measured once for a folder by `measure`, which answers with seconds per sample;
    /// a search that goes on uses what was measured before, unless it starts `anew`.
    pub(super) fn decide(
        settings: &TuneSettings,
        dir: &Path,
        anew: bool,
        measure: impl FnOnce() -> Result<f64, StudyError>,
    ) -> Result<Self, StudyError> {
        let Some(minutes) = settings.minutes else {
            return Ok(Self {
                candidates: settings.candidates,
                confirm: settings.confirm,
                seconds_per_sample: None,
            });
        };
        let path = dir.join(COST_FILE);
        let seconds = match read_cost(&path)?.filter(|_| !anew) {
            Some(seconds) => seconds,
            None => {
                let seconds = measure()?;
                write_cost(&path, seconds)?;
                seconds
            }
        };
        Rungs::of(settings).fit(minutes, seconds, confirmation_runs(settings))
    }
}

fn read_cost(path: &PathBuf) -> Result<Option<f64>, StudyError> {
    if !path.exists() {
        return Ok(None);
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| StudyError::file("read", path, &error))?;
    let cost: Cost =
        toml::from_str(&text).map_err(|error| StudyError::file("understand", path, &error))?;
    Ok(Some(cost.seconds_per_sample))
}

fn write_cost(path: &Path, seconds_per_sample: f64) -> Result<(), StudyError> {
    let text = toml::to_string(&Cost { seconds_per_sample })
        .map_err(|error| StudyError::file("write", path, &error))?;
    write_whole(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUNGS: Rungs = Rungs { count: 96, rungs: 3, keep: 2 };

    #[test]
    fn the_default_search_by_hand() {
        assert_eq!((0..3).map(|rung| RUNGS.samples(rung)).collect::<Vec<_>>(), [96, 192, 384]);
        assert_eq!((0..3).map(|rung| RUNGS.gains(33, rung)).collect::<Vec<_>>(), [33, 17, 9]);
        assert_eq!(RUNGS.cuts(1), [0, 96, 192]);
        // (33 + 1)·96 + (17 + 1)·96 + (9 + 1)·192
        assert_eq!(RUNGS.search_samples(33), 6912);
    }

    proptest! {
        #[test]
        fn chosen_numbers_fit_and_one_more_gain_would_not(
            count in 1usize..200, rungs in 1usize..6, keep in 2usize..5,
            runs in 4usize..12, minutes in 0.1f64..100.0, seconds in 1e-4f64..0.1,
        ) {
            let rungs = Rungs { count, rungs, keep };
            let planned = minutes * 60.0 * PLANNED_SHARE;
            match rungs.fit(minutes, seconds, runs) {
                Ok(budget) => {
                    let cost = |candidates| rungs.search_samples(candidates) as f64 * seconds;
                    let confirmation = (budget.confirm * runs) as f64 * seconds;
                    prop_assert!(cost(budget.candidates) + confirmation <= planned);
                    prop_assert!(
                        budget.candidates == MOST_CANDIDATES
                            || cost(budget.candidates + 1) > planned * 0.5 - seconds
                    );
                    let rounding = runs as f64 * seconds;
                    prop_assert!((confirmation - 0.5 * planned).abs() < rounding);
                    prop_assert!(budget.candidates >= 4 && budget.confirm >= count);
                }
                Err(error) => {
                    let text = error.to_string();
                    let advice = text.rsplit("allow ").next().unwrap();
                    let enough: f64 = advice.split(' ').next().unwrap().parse().unwrap();
                    prop_assert!(rungs.fit(enough, seconds, runs).is_ok(), "{}", text);
                }
            }
        }
    }

    #[test]
    fn the_cost_is_measured_once() {
        let folder = tempfile::tempdir().unwrap();
        let settings = TuneSettings { minutes: Some(10.0), ..TuneSettings::default() };
        let decide = |settings: &TuneSettings, anew, seconds: Option<f64>| {
            Budget::decide(settings, folder.path(), anew, || Ok(seconds.expect("no measurement")))
        };
        let first = decide(&settings, false, Some(0.03)).unwrap();
        assert_eq!(first.seconds_per_sample, Some(0.03));
        assert_eq!(decide(&settings, false, None).unwrap(), first);
        let longer = TuneSettings { minutes: Some(20.0), ..settings.clone() };
        assert!(decide(&longer, false, None).unwrap().candidates > first.candidates);
        assert!(decide(&settings, true, Some(0.06)).unwrap().candidates < first.candidates);
        // Nine minutes are 18 000 samples, and half of them are shared by 6 or 12 runs.
        let more = TuneSettings { finalists: 9, ..settings.clone() };
        assert_eq!(decide(&settings, true, Some(0.03)).unwrap().confirm, 1500);
        assert_eq!(decide(&more, false, None).unwrap().confirm, 750);
        let given = TuneSettings { minutes: None, ..settings };
        assert_eq!(
            decide(&given, true, None).unwrap(),
            Budget { candidates: 28, confirm: 1152, seconds_per_sample: None }
        );
        std::fs::write(folder.path().join(COST_FILE), "seconds = 1").unwrap();
        assert!(decide(&longer, false, None).unwrap_err().to_string().contains(COST_FILE));
    }
}

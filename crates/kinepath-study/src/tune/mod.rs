//! Tuning: which gain is worth using on this model?
//!
//! 1. **Draws** ([`Family`]): gains from a scrambled Sobol sequence, beside the published ones.
//! 2. **Search**: successive halving with common random numbers. All gains and the baseline start
//!    from the same noise; the better half, by non-dominated sorting of the differences to the
//!    baseline in two objectives, goes on to twice the samples.
//! 3. **Choice**: the Pareto front of the last rung, its knee, and the finalists: a few gains that
//!    have a chance to stand, and are not all alike.
//! 4. **Confirmation**: the finalists, the baseline, the published default and the best governed
//!    gain on fresh noise. The winner of a search looks better than it is, because it was picked for
//!    looking good; the fresh samples say how much of the promise is left, and which finalist is
//!    worth using.
//! 5. **Account**: what is known of every gain at the end, which is what a claim that there is none
//!    worth using rests on.
//!
//! A search that was stopped goes on where it was: every sampling is a run folder, and everything
//! after it is a function of the samples.

mod budget;
mod choice;
mod confirm;
mod finalists;
mod front;
mod gain_file;
mod halving;
mod objective;
pub mod results;
mod runs;
mod settings;
mod space;
mod verdict;
mod words;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

pub use budget::Budget;
pub use results::TuneResults;
pub use settings::TuneSettings;
pub use space::Family;

use budget::Rungs;
use finalists::Final;
use objective::{Scorer, Which};
use results::Account;
use runs::Runs;

use crate::StudyError;
use crate::files::{read_json, write_json, write_whole};
use crate::run::Existing;
use crate::source::FieldSource;
use crate::study::Observer;

/// Name of the results file in a tune folder.
pub const RESULTS_FILE: &str = "tune.json";
/// Name of the file with the gain worth using, for `kinepath sample --gain`.
pub const GAIN_FILE: &str = "tune.toml";
/// The baseline's folder.
const BASELINE: &str = "baseline";
/// The baseline's gain.
const UNIT: &str = "unit";

/// Searches for the gain worth using, in folder `dir`, and writes `tune.json` and `tune.toml`.
///
/// Runs that the folder already holds with the same settings are not repeated, so a search that was
/// stopped goes on where it was and ends with the same bytes.
///
/// # Errors
/// [`StudyError`]: settings that cannot be meant; whatever opening, sampling, judging or writing
/// brings; [`StudyError::Interrupted`] after a break.
pub fn run_tune(
    settings: &TuneSettings,
    dir: &Path,
    existing: Existing,
    observe: &mut Observer<'_>,
) -> Result<TuneResults, StudyError> {
    settings.check()?;
    let source = settings.field.open()?;
    // Every rung goes on from the last, so conditions have to do for any number of samples.
    for count in [settings.count, settings.count + 1] {
        settings.field.check(&source, count)?;
    }
    let scorer = Scorer::open(settings, &source.shape)?;
    if source.shape != scorer.judge().sample_shape() {
        return Err(scorer.judge().cannot_judge(&settings.field.name, &source.shape));
    }
    let mut runs = Runs::new(settings, &source, dir, existing);
    runs.plan(UNIT)?;
    let anew = existing == Existing::Overwrite;
    let budget =
        Budget::decide(settings, dir, anew, || measure(settings, &source, dir, &scorer, observe))?;
    let gains = space::candidates(&settings.families, budget.candidates, settings.seed, |gain| {
        runs.plan(gain).map(|_| ())
    })?;
    let rungs =
        halving::search(&mut runs, &scorer, &gains, Rungs::of(settings), settings.seed, observe)?;
    let results = conclude(settings, &source, &scorer, budget, rungs, &mut runs, observe)?;
    results.write(dir)?;
    Ok(results)
}

/// Seconds per sample of the baseline's first rung, sampled and judged; what the folder holds of it
/// is replaced, since only a whole run can be timed.
fn measure(
    settings: &TuneSettings,
    source: &FieldSource,
    dir: &Path,
    scorer: &Scorer,
    observe: &mut Observer<'_>,
) -> Result<f64, StudyError> {
    let begun = Instant::now();
    let mut observe = |done| observe("measuring what a sample costs", done);
    let drawn = Runs::new(settings, source, dir, Existing::Overwrite).samples(
        BASELINE,
        UNIT,
        settings.seed,
        &[0, settings.count],
        &mut observe,
    )?;
    let scored = scorer.score(&drawn)?;
    scorer.measures(&scorer.figures(&scored, Which::Objectives)?, None)?;
    match observe(1.0) {
        ControlFlow::Break(_) => Err(StudyError::Interrupted),
        ControlFlow::Continue(()) => {
            Ok((begun.elapsed().as_secs_f64() / settings.count as f64).max(f64::EPSILON))
        }
    }
}

/// Everything after the search.
fn conclude(
    settings: &TuneSettings,
    source: &FieldSource,
    scorer: &Scorer,
    budget: Budget,
    rungs: Vec<results::Rung>,
    runs: &mut Runs<'_>,
    observe: &mut Observer<'_>,
) -> Result<TuneResults, StudyError> {
    let rung = rungs
        .last()
        .ok_or_else(|| StudyError::Mismatch("a search needs at least one rung".to_owned()))?;
    let (front, knee) = choice::front_of(rung);
    let last = Final { most: settings.finalists, samples: budget.confirm };
    let picks = finalists::pick(rung, &front, knee, last);
    let fresh = (confirmation_seed(settings.seed), budget.confirm);
    let confirmation = (!picks.is_empty())
        .then(|| confirm::confirm(runs, scorer, &rungs, &picks, fresh, observe))
        .transpose()?;
    let account = Account::of(&rungs, confirmation.as_ref());
    let recommended = confirmation.as_ref().and_then(|found| verdict::choose(&found.finalists));
    let (verdict, sentence) = verdict::judge(&rungs, confirmation.as_ref(), recommended, &account);
    let (training, reference) = scorer.data();
    let mut results = TuneResults {
        kinepath: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings.clone(),
        field: source.settings.clone(),
        training,
        reference,
        budget,
        rungs,
        front,
        knee,
        confirmation,
        account,
        recommended,
        gain: UNIT.to_owned(),
        verdict,
        sentence,
    };
    if let Some(finalist) = results.recommendation() {
        results.gain = runs.plan(&finalist.gain)?.1.gain;
    }
    Ok(results)
}

/// The seed of the confirmation's noise: the one after the search's; settings files hold none above
/// 2⁶³ − 1.
fn confirmation_seed(seed: u64) -> u64 {
    (seed + 1) % (1 << 63)
}

impl TuneResults {
    /// Writes the results file and the gain file, each whole or not at all.
    fn write(&self, dir: &Path) -> Result<(), StudyError> {
        write_json(self, &dir.join(RESULTS_FILE))?;
        write_whole(&dir.join(GAIN_FILE), gain_file::text(self)?.as_bytes())
    }

    /// Reads a results file.
    ///
    /// # Errors
    /// [`StudyError::File`] if it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        read_json(path)
    }
}

#[cfg(test)]
mod tests;

//! What became of every gain.

use kinepath_study::tune::TuneResults;
use kinepath_study::tune::results::{Fate, Outcome, Reckoned, Trial};

use super::{broken, difference};
use crate::tables::{numbers, text, words};

/// Columns for a gain that is named.
const GAIN_WIDTH: usize = 38;

/// How many gains ended where, and the names of those that the budget left undecided.
pub(super) fn table(results: &TuneResults) -> String {
    let Some([kept, target]) = results.rungs.last().map(|rung| &rung.baseline) else {
        return String::new();
    };
    let (kept, target) = (&kept.name, &target.name);
    let account = &results.account;
    let mut counts = words(&["gains", "account of all that were tried"]);
    let left = [
        (Fate::NotBetter, format!("{target} not detectably better, where last seen")),
        (Fate::Costly, format!("{target} better at a detectable cost in {kept}, where last seen")),
        (Fate::Open, format!("{target} better at no detected cost, left undecided")),
    ];
    for (fate, what) in left {
        counts.add_row([account.left(fate).count().to_string(), what]);
    }
    let fresh = [
        (Outcome::NotConfirmed, format!("fresh samples: {target} not detectably better")),
        (Outcome::Trades, format!("fresh samples: {target} better at a detectable cost in {kept}")),
        (Outcome::Confirmed, format!("fresh samples: {target} better at no detectable cost")),
    ];
    for (outcome, what) in fresh {
        counts.add_row([account.finalists(outcome).to_string(), what]);
    }
    let mut page = format!("{}\n\n", text(&counts));
    if account.left(Fate::Open).next().is_some() {
        let mut open = numbers(&["left undecided", kept, target, "samples"]);
        for gain in account.left(Fate::Open) {
            let Some(trial) = last_seen(results, gain) else { continue };
            let [first, second] = trial.objectives.each_ref().map(difference);
            let name = broken(&gain.gain, GAIN_WIDTH);
            open.add_row([name, first, second, gain.samples.to_string()]);
        }
        page.push_str(&format!("{}\n\n", text(&open)));
    }
    page
}

/// A gain in the last rung that it was in.
fn last_seen<'a>(results: &'a TuneResults, gain: &Reckoned) -> Option<&'a Trial> {
    let mut rungs = results.rungs.iter().rev();
    rungs.find_map(|rung| rung.gains.iter().find(|trial| trial.candidate == gain.candidate))
}

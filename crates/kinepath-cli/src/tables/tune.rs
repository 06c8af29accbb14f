//! The results of a search for people.

use std::fmt::Write;

use kinepath_study::tune::TuneResults;
use kinepath_study::tune::results::{Basis, Confirmation, FrontPoint, Measure, Rung, Trial};

use super::study::{form, wrapped};
use super::{numbers, text};

/// The gain that is none.
const UNIT: &str = "unit";
/// Columns for a gain; longer ones break at a comma.
const GAIN_WIDTH: usize = 38;

/// The results of a search; `all` adds every gain of every rung.
pub(crate) fn tune(results: &TuneResults, all: bool) -> String {
    let mut page = format!("{}\n\n", header(results));
    if all {
        for rung in &results.rungs {
            let _ = writeln!(page, "{}\n{}\n", text(&trials(rung)), legend_of(rung));
        }
    }
    let _ = writeln!(page, "{}", text(&front(results)));
    let samples = results.rungs.last().map_or(0, |rung| rung.samples);
    let _ = writeln!(
        page,
        "Pareto front of the last rung: differences to no gain on {samples} samples, same noise, \
         95 %\nintervals; ◆ the knee, ▶ taken to the confirmation{}\n",
        match results.recommendation.as_ref().map(|chosen| chosen.basis) {
            Some(Basis::NoCost) => ": the best without a cost",
            Some(Basis::NoDetectableCost) => ": the best without a detectable cost",
            Some(Basis::Knee) => ": every better gain has a cost",
            None => "",
        }
    );
    if let Some(confirmation) = &results.confirmation {
        let _ = writeln!(page, "{}", text(&confirmed(results, confirmation)));
        let _ = writeln!(
            page,
            "differences to no gain on {} fresh samples, seed {}, detectable ones marked; metrics that are no\n\
             objective appear where the recommended gain changes them detectably\n",
            confirmation.samples, confirmation.seed
        );
        page.push_str(&curse(results, confirmation));
    }
    page.push_str(&wrapped("⇒ ", &results.sentence));
    if let Some(chosen) = results.recommendation.as_ref().filter(|_| results.gain != UNIT) {
        page.push_str(&wrapped("⇒ ", &format!("use the gain {}", chosen.gain)));
    }
    page
}

/// What was tuned and with how much.
fn header(results: &TuneResults) -> String {
    let TuneResults { settings, budget, .. } = results;
    let last = results.rungs.last();
    let mut line = format!(
        "{}: {} with {} steps, {} grid\n{} gains in {} rungs, the last {} on {} samples; ",
        results.field.spec,
        settings.sampler.solver,
        settings.sampler.steps,
        settings.sampler.grid,
        budget.candidates,
        results.rungs.len(),
        last.map_or(0, |rung| rung.gains.len()),
        last.map_or(0, |rung| rung.samples),
    );
    let _ = write!(
        line,
        "{} fresh samples to confirm\ncopies sought in {}",
        budget.confirm,
        settings.data.copies_in_words()
    );
    if let (Some(minutes), Some(seconds)) = (settings.minutes, budget.seconds_per_sample) {
        let _ = write!(
            line,
            "\nchosen for {minutes} minutes at {:.1} ms a sample, as measured",
            1000.0 * seconds
        );
    }
    line
}

fn front(results: &TuneResults) -> comfy_table::Table {
    let mut headers = vec!["gain".to_owned()];
    headers.extend(objectives(results.rungs.last()));
    headers.push(String::new());
    let mut table = numbers(&headers.iter().map(String::as_str).collect::<Vec<_>>());
    for (place, FrontPoint { candidate, gain, objectives }) in results.front.iter().enumerate() {
        let chosen = results.recommendation.as_ref().map(|chosen| chosen.candidate);
        let mut marks = String::new();
        if place == results.knee.place {
            marks.push('◆');
        }
        if candidate.is_some() && *candidate == chosen {
            marks.push('▶');
        }
        let [first, second] = objectives.each_ref().map(difference);
        table.add_row([broken(gain), first, second, marks]);
    }
    table
}

/// Every gain of a rung.
fn trials(rung: &Rung) -> comfy_table::Table {
    let mut headers = vec!["gain".to_owned()];
    headers.extend(objectives(Some(rung)));
    headers.push("front".to_owned());
    let mut table = numbers(&headers.iter().map(String::as_str).collect::<Vec<_>>());
    for Trial { gain, front, kept, objectives, .. } in &rung.gains {
        let [first, second] = objectives.each_ref().map(difference);
        let rank = format!("{}{}", front + 1, if *kept { " ✓" } else { "" });
        table.add_row([broken(gain), first, second, rank]);
    }
    table
}

fn legend_of(rung: &Rung) -> String {
    format!("{} gains on {} samples; ✓ went on", rung.gains.len(), rung.samples)
}

/// The names of a rung's objectives.
fn objectives(rung: Option<&Rung>) -> Vec<String> {
    rung.map_or(Vec::new(), |rung| {
        rung.baseline.iter().map(|measure| measure.name.clone()).collect()
    })
}

/// The objectives of the confirmed gains, and what else changed detectably.
fn confirmed(results: &TuneResults, confirmation: &Confirmation) -> comfy_table::Table {
    let mut headers = vec!["metric", "no gain", "recommended", "as promised"];
    headers.extend(confirmation.others.iter().map(|other| other.name.as_str()));
    let mut table = numbers(&headers);
    let both = confirmation.baseline.iter().zip(&confirmation.recommended);
    for (index, (unit, gain)) in both.enumerate() {
        let wanted = results.settings.objectives.contains(&gain.metric);
        if !wanted && !gain.is_better() && !gain.is_worse() {
            continue;
        }
        let form = form(&gain.metric);
        let promise = confirmation.promises.iter().find(|promise| promise.metric == gain.metric);
        let mut row = vec![
            gain.name.clone(),
            stacked(&form.both(unit.value), ""),
            stacked(&difference(gain), mark(gain)),
            promise.map_or(String::new(), |promise| stacked(&form.difference(promise.search), "")),
        ];
        let others = confirmation.others.iter().filter_map(|other| other.measures.get(index));
        row.extend(others.map(|measure| stacked(&difference(measure), mark(measure))));
        table.add_row(row);
    }
    table
}

/// The winner's curse in words.
fn curse(results: &TuneResults, confirmation: &Confirmation) -> String {
    let target = results.settings.objectives.last();
    let promise = confirmation.promises.iter().find(|promise| Some(&promise.metric) == target);
    let Some((promise, shrinkage)) = promise.and_then(|p| Some((p, p.shrinkage?))) else {
        return String::new();
    };
    let share = 100.0 * shrinkage.abs();
    let sentence = match shrinkage {
        s if s > 1.0 => {
            format!("{}: the promise of the search turned into its opposite", promise.name)
        }
        s if s < 0.0 => {
            format!("{}: fresh samples show {share:.0} % more than promised", promise.name)
        }
        _ => format!("{}: {share:.0} % of the promise did not come (winner's curse)", promise.name),
    };
    wrapped("• ", &sentence)
}

/// A difference with its interval.
fn difference(measure: &Measure) -> String {
    measure
        .difference
        .map_or("0".to_owned(), |difference| form(&measure.metric).difference(difference))
}

/// A mark where a difference is detectable.
fn mark(measure: &Measure) -> &'static str {
    match (measure.is_better(), measure.is_worse()) {
        (true, _) => " ✓",
        (_, true) => " ✗",
        _ => "",
    }
}

/// A figure and its mark above its interval.
fn stacked(figure: &str, mark: &str) -> String {
    figure.replacen(" [", &format!("{mark}\n["), 1)
}

/// A gain in lines that end with a comma where it is long.
fn broken(gain: &str) -> String {
    let mut lines = vec![String::new()];
    for piece in gain.split_inclusive(',') {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && last + piece.len() > GAIN_WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gains_break_at_commas() {
        let gain = "kts:alpha=0.0312,beta=0.0103,split=0.61,launch=exponential,landing=linear";
        assert_eq!(
            broken(gain),
            "kts:alpha=0.0312,beta=0.0103,\nsplit=0.61,launch=exponential,\nlanding=linear"
        );
        assert_eq!(broken("unit"), "unit");
    }
}

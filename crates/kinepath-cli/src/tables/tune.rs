//! The results of a search for people.

mod account;
mod confirmation;

use std::fmt::Write;

use kinepath::stats::Interval;
use kinepath_study::format::{Style, Unit};
use kinepath_study::tune::TuneResults;
use kinepath_study::tune::results::{Basis, Finalist, FrontPoint, Measure, Rung, Trial};

use super::study::wrapped;
use super::{numbers, text};

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
    let _ = writeln!(page, "{}\n{}\n", text(&front(results)), legend_of_front(results));
    if let Some(confirmation) = &results.confirmation {
        page.push_str(&confirmation::tables(results, confirmation));
    }
    page.push_str(&account::table(results));
    page.push_str(&wrapped("⇒ ", &results.sentence));
    if let Some(chosen) = results.recommendation() {
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
    if let Some(decoded) = settings.data.decoded_in_words() {
        let _ = write!(line, "\nsamples are {decoded}");
    }
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
    let picked = |candidate| finalists(results).iter().any(|f| Some(f.candidate) == candidate);
    for (place, FrontPoint { candidate, gain, objectives }) in results.front.iter().enumerate() {
        let mut marks = String::new();
        if place == results.knee.place {
            marks.push('◆');
        }
        if candidate.is_some() && picked(*candidate) {
            marks.push('▶');
        }
        let [first, second] = objectives.each_ref().map(difference);
        table.add_row([broken(gain, GAIN_WIDTH), first, second, marks]);
    }
    table
}

fn legend_of_front(results: &TuneResults) -> String {
    let samples = results.rungs.last().map_or(0, |rung| rung.samples);
    let why = match finalists(results).first().map(|finalist| finalist.basis) {
        Some(Basis::Chance(_)) => "",
        Some(Basis::Knee) => ", for every better gain has a cost",
        None => " (none)",
    };
    format!(
        "Pareto front of the last rung: differences to no gain on {samples} samples, same noise, \
         95 %\nintervals; ◆ the knee, ▶ taken to the confirmation{why}"
    )
}

fn finalists(results: &TuneResults) -> &[Finalist] {
    results.confirmation.as_ref().map_or(&[], |confirmation| &confirmation.finalists)
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
        table.add_row([broken(gain, GAIN_WIDTH), first, second, rank]);
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

/// A difference with its interval.
fn difference(measure: &Measure) -> String {
    let found = measure.difference.as_ref();
    found.map_or("0".to_owned(), |found| lone_difference(&measure.metric, found))
}

/// A difference of the metric of that key, with its interval.
fn lone_difference(metric: &str, difference: &Interval) -> String {
    Style::lone(Unit::of(metric), difference).difference(difference)
}

/// A gain in lines that end with a comma where it is longer than `width`.
fn broken(gain: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for piece in gain.split_inclusive(',') {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && last + piece.len() > width {
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
            broken(gain, GAIN_WIDTH),
            "kts:alpha=0.0312,beta=0.0103,\nsplit=0.61,launch=exponential,\nlanding=linear"
        );
        assert_eq!(broken("unit", GAIN_WIDTH), "unit");
    }
}

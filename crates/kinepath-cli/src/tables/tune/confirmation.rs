//! The finalists on fresh samples.

use comfy_table::Table;
use kinepath_study::format::{MISSING, Unit};
use kinepath_study::study::results::Effect;
use kinepath_study::tune::TuneResults;
use kinepath_study::tune::results::{Confirmation, Finalist, Measure, Promise};

use super::{broken, difference, lone_difference, objectives};
use crate::tables::study::mark;
use crate::tables::{lone, numbers, text};

/// Columns for a gain beside its figures.
const GAIN_WIDTH: usize = 28;

/// The finalists and their rivals in both objectives, and what else the recommended one changes.
pub(super) fn tables(results: &TuneResults, confirmation: &Confirmation) -> String {
    let Confirmation { seed, samples, level, finalists, .. } = confirmation;
    let target = results.rungs.last().map_or("", |rung| rung.baseline[1].name.as_str());
    let sharing = match finalists.len() {
        0 | 1 => String::new(),
        several => format!(
            "\nverdict: {target} by its {:.1} % interval, since {several} finalists share the error",
            100.0 * level
        ),
    };
    let mut page = format!(
        "{}\ndifferences to no gain on {samples} fresh samples, seed {seed}, detectable ones \
         marked; below, what the\nsearch promised; kept: the share of the promised {target} that \
         came (winner's curse){sharing}\n\n",
        text(&objectives_of_gains(results, confirmation)),
    );
    if let Some(table) = results.recommendation().and_then(|chosen| rest(confirmation, chosen)) {
        page.push_str(&format!(
            "{}\nmetrics that are no objective and that the recommended gain changes detectably\n\n",
            text(&table)
        ));
    }
    page
}

/// A row a gain, the baseline first.
fn objectives_of_gains(results: &TuneResults, confirmation: &Confirmation) -> Table {
    let names = objectives(results.rungs.last());
    let mut headers: Vec<&str> = vec!["gain"];
    headers.extend(names.iter().map(String::as_str));
    headers.extend(["kept", "verdict"]);
    let mut table = numbers(&headers);
    let keys = &results.settings.objectives;
    let of = |measures: &[Measure], write: &dyn Fn(&Measure) -> String| -> Vec<String> {
        let found = keys.iter().map(|key| find(measures, key));
        found.map(|measure| measure.map_or(String::new(), write)).collect()
    };
    let row = |gain: String, figures: Vec<String>, kept: String, verdict: &str| {
        [vec![gain], figures, vec![kept, verdict.to_owned()]].concat()
    };
    let unit =
        of(&confirmation.baseline, &|measure| lone(Unit::of(&measure.metric), &measure.value));
    table.add_row(row("no gain".to_owned(), unit, String::new(), ""));
    for finalist in &confirmation.finalists {
        let figures = of(&finalist.measures, &|measure| {
            let promise = finalist.promises.iter().find(|p| p.metric == measure.metric);
            let search = promise.map_or(String::new(), |p| lone_difference(&p.metric, &p.search));
            format!("{}{}\n{search}", difference(measure), mark(measure.effect()))
        });
        let kept = keys.last().and_then(|key| kept(finalist, key)).unwrap_or_default();
        table.add_row(row(
            broken(&finalist.gain, GAIN_WIDTH),
            figures,
            kept,
            finalist.outcome.name(),
        ));
    }
    for other in &confirmation.others {
        let figures = of(&other.measures, &|measure| {
            format!("{}{}", difference(measure), mark(measure.effect()))
        });
        let gain = format!("{}\n({})", broken(&other.gain, GAIN_WIDTH), other.name);
        table.add_row(row(gain, figures, String::new(), ""));
    }
    table
}

/// The share of what the search promised in a metric that came.
fn kept(finalist: &Finalist, key: &str) -> Option<String> {
    let promise = finalist.promises.iter().find(|Promise { metric, .. }| metric == key)?;
    Some(format!("{:.0} %", 100.0 * (1.0 - promise.shrinkage?)))
}

/// What the recommended gain changes beside the objectives, next to the other gains; nothing if
/// that is nothing.
fn rest(confirmation: &Confirmation, chosen: &Finalist) -> Option<Table> {
    let mut headers = vec!["metric", "no gain", "recommended"];
    headers.extend(confirmation.others.iter().map(|other| other.name.as_str()));
    let mut table = numbers(&headers);
    for unit in &confirmation.baseline {
        let Some(gain) = find(&chosen.measures, &unit.metric) else { continue };
        let aimed_at = chosen.decisive.iter().any(|objective| objective.metric == gain.metric);
        if aimed_at || gain.effect() == Effect::Undetected {
            continue;
        }
        let mut row = vec![
            gain.name.clone(),
            stacked(&lone(Unit::of(&gain.metric), &unit.value), ""),
            stacked(&difference(gain), mark(gain.effect())),
        ];
        row.extend(confirmation.others.iter().map(|other| {
            find(&other.measures, &unit.metric).map_or(MISSING.to_owned(), |measure| {
                stacked(&difference(measure), mark(measure.effect()))
            })
        }));
        table.add_row(row);
    }
    (!table.is_empty()).then_some(table)
}

/// The measure of a metric.
fn find<'a>(measures: &'a [Measure], metric: &str) -> Option<&'a Measure> {
    measures.iter().find(|measure| measure.metric == metric)
}

/// A figure and its mark above its interval.
fn stacked(figure: &str, mark: &str) -> String {
    figure.replacen(" [", &format!("{mark}\n["), 1)
}

//! The top: the verdict, and what was searched.

use maud::{Markup, html};

use super::{number, title};
use crate::format;
use crate::report::parts;
use crate::report::sections::overview::data;
use crate::tune::results::TuneVerdict;
use crate::tune::{Family, TuneResults};

/// The page's heading.
pub(super) fn heading(results: &TuneResults) -> Markup {
    html! {
        p.kicker { "Search for a gain worth using" }
        h1 { (title(results)) }
        nav aria-label="Contents" {
            a href="#gains" { "All gains" } " "
            a href="#front" { "Pareto front" } " "
            a href="#confirmation" { "Confirmation" } " "
            a href="#account" { "Account" } " "
            a href="#provenance" { "Settings and data" }
        }
    }
}

/// The verdict and the conditions.
pub(super) fn section(results: &TuneResults) -> Markup {
    let (class, word) = match results.verdict {
        TuneVerdict::Confirmed => ("better", "confirmed"),
        TuneVerdict::Trades => ("trades", "trades"),
        TuneVerdict::NotConfirmed => ("undetected", "not confirmed"),
        TuneVerdict::NothingFound => ("undetected", "nothing found"),
    };
    html! {
        section.overview aria-labelledby="verdict" {
            h2 id="verdict" { "Verdict" }
            div.verdict {
                p { (parts::badge(class, word)) }
                p { (results.sentence) }
                @match results.recommendation() {
                    Some(finalist) => p {
                        "The gain to use is " b { (number(finalist.candidate)) } ", "
                        (parts::expression(&finalist.gain)) ", and stands in " code { "tune.toml" }
                        "."
                    },
                    None => p { "The file " code { "tune.toml" } " says to use no gain." },
                }
            }
            h2 { "What was searched" }
            (parts::facts(&facts(results)))
        }
    }
}

/// What was searched, as pairs of a term and its text.
fn facts(results: &TuneResults) -> Vec<(&'static str, String)> {
    let TuneResults { settings, budget, rungs, .. } = results;
    let names = rungs.first().map(|rung| rung.baseline.each_ref().map(|m| m.name.as_str()));
    let [kept, improved] = names.unwrap_or_default();
    let stages: Vec<String> = rungs
        .iter()
        .map(|rung| {
            format!(
                "{} on {} samples",
                format::count(rung.gains.len()),
                format::count(rung.samples)
            )
        })
        .collect();
    let fresh = match &results.confirmation {
        Some(found) => format!(
            "{} finalists on {} samples of another seed",
            found.finalists.len(),
            format::count(found.samples)
        ),
        None => "none: no gain was worth it".to_owned(),
    };
    let mut facts = vec![
        ("Aim", format!("better {improved}, {kept} no worse")),
        ("Velocity field", results.field.spec.clone()),
        (
            "Gains",
            format!(
                "{}, the published ones and draws of {}",
                format::count(budget.candidates),
                settings.families.iter().map(Family::name).collect::<Vec<_>>().join(", ")
            ),
        ),
        ("Rungs", format!("{}; the same noise for every gain", stages.join(", "))),
        ("Confirmation", fresh),
        (
            "Sampling",
            format!(
                "solver {}, {} steps, grid {}",
                settings.sampler.solver,
                format::count(settings.sampler.steps),
                settings.sampler.grid
            ),
        ),
        ("Training set", data(&results.training)),
        ("Reference set", results.reference.as_ref().map_or("none".to_owned(), data)),
        (
            "Intervals",
            format!(
                "95 %, paired, from {} resamples, or Bonett and Price's for shares",
                format::count(settings.resamples)
            ),
        ),
    ];
    if let (Some(minutes), Some(seconds)) = (settings.minutes, budget.seconds_per_sample) {
        facts.push((
            "Budget",
            format!(
                "{minutes} minutes at {} ms a sample, as measured",
                format::significant(1000.0 * seconds, 2)
            ),
        ));
    }
    facts
}

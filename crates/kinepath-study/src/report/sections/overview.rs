//! The top: title, findings in words, and what was run.

use maud::{Markup, html};

use crate::format;
use crate::report::parts;
use crate::report::sections::provenance::percent;
use crate::run::UNKNOWN;
use crate::study::StudyResults;
use crate::study::results::{DataResults, ModelResults};

/// The anchor of the model at `position`.
pub(super) fn model_id(position: usize) -> String {
    format!("model-{}", position + 1)
}

/// The page's heading.
pub(super) fn heading(results: &StudyResults) -> Markup {
    let runs = || results.models.iter().flat_map(|model| &model.runs);
    html! {
        p.kicker { "Kinetic energy of flow-matching sampling" }
        h1 { (results.settings.title) }
        nav aria-label="Contents" {
            @for (position, model) in results.models.iter().enumerate() {
                a href={ "#" (model_id(position)) } { (model.name) } " "
            }
            a href="#provenance" { "Settings and data" } " "
            @if runs().any(|run| !run.metrics.is_empty()) { a href="#metrics" { "Metrics" } " " }
            a href="#definitions" { "Definitions" }
        }
    }
}

/// Findings and conditions.
pub(super) fn section(results: &StudyResults) -> Markup {
    html! {
        section.overview aria-labelledby="findings" {
            h2 id="findings" { "Findings" }
            @if results.models.is_empty() { p { "No velocity field was studied." } }
            @for (position, model) in results.models.iter().enumerate() {
                div.verdict {
                    h3 { a href={ "#" (model_id(position)) } { (model.name) } }
                    @if model.findings.is_empty() {
                        p { "Nothing was found." }
                    } @else {
                        ul { @for finding in &model.findings { li { (finding) } } }
                    }
                }
            }
            h2 { "What was run" }
            (parts::facts(&facts(results)))
        }
    }
}

/// What was run, as pairs of a term and its text.
fn facts(results: &StudyResults) -> Vec<(&'static str, String)> {
    let settings = &results.settings;
    let sampler = &settings.sampler;
    let level = percent(settings.significance);
    let drawn = samples(results);
    vec![
        (
            "Samples",
            match settings.data.decoded_in_words() {
                Some(decoded) => format!("{drawn}; {decoded}"),
                None => drawn,
            },
        ),
        (
            "Sampling",
            match sampler.solver.as_str() {
                UNKNOWN => UNKNOWN.to_owned(),
                solver => format!(
                    "solver {solver}, {} steps, grid {}; {}",
                    format::count(sampler.steps),
                    sampler.grid,
                    evaluations(&results.models)
                ),
            },
        ),
        ("Training set", data(&results.training)),
        ("Reference set", results.reference.as_ref().map_or("none".to_owned(), data)),
        ("Copies", format!("sought in {}", settings.data.copies_in_words())),
        (
            "Intervals",
            format!(
                "95 %, from {} resamples of {}, or Wilson's for shares, given the training and held-out \
                 records",
                format::count(settings.resamples),
                match settings.seeds.len() {
                    ..2 => "samples",
                    _ => "seeds and samples within them",
                }
            ),
        ),
        (
            "Differences",
            format!(
                "counted where the p-value, adjusted over all gains and metrics of a field, is at \
                 most {level}"
            ),
        ),
    ]
}

fn samples(results: &StudyResults) -> String {
    let runs = || results.models.iter().flat_map(|model| &model.runs);
    let counts: Vec<usize> = runs().map(|run| run.count).collect();
    let paired = if runs().any(|run| run.comparison.is_some()) {
        "the same noise for every gain"
    } else {
        "one set of noise"
    };
    match (counts.iter().min(), counts.iter().max()) {
        (Some(low), Some(high)) if low == high => {
            format!("n = {} per gain, {paired}", format::count(*low))
        }
        (Some(low), Some(high)) => {
            let (low, high) = (format::count(*low), format::count(*high));
            format!("n = {low} to {high} per gain, {paired}")
        }
        _ => "none".to_owned(),
    }
}

fn evaluations(models: &[ModelResults]) -> String {
    let energies =
        models.iter().flat_map(|model| &model.runs).filter_map(|run| run.energy.as_ref());
    let (low, high) = energies.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), energy| {
        (low.min(energy.nfe.min), high.max(energy.nfe.max))
    });
    match (low.is_finite() && high.is_finite(), low == high) {
        (false, _) => "NFE unknown".to_owned(),
        (true, true) => format!("NFE {} per sample", format::fixed(low, 0)),
        (true, false) => {
            format!("NFE {} to {} per sample", format::fixed(low, 0), format::fixed(high, 0))
        }
    }
}

/// A data set in a line.
pub(in crate::report) fn data(data: &DataResults) -> String {
    format!(
        "{}: {} records, {} of them different, of shape {}, values from {} to {}",
        data.name,
        format::count(data.count),
        format::count(data.distinct),
        format::shape(&data.shape),
        format::significant(data.values.min, 3),
        format::significant(data.values.max, 3)
    )
}

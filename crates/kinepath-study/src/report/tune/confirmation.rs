//! The finalists on samples that the search has not seen.

mod curse;
mod figures;

use maud::{Markup, html};

use super::number;
use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::report::sections::metrics;
use crate::report::sections::provenance::percent;
use crate::tune::TuneResults;
use crate::tune::results::{Basis, Confirmation, Finalist, Measure, Outcome};

/// What decides, what the search had promised, and every metric.
pub(super) fn section(results: &TuneResults) -> Markup {
    html! {
        section {
            h2 id="confirmation" { "The finalists on fresh samples" }
            @match &results.confirmation {
                None => p.note {
                    "No gain of the last rung was worth confirming: none was better in the second \
                     objective."
                },
                Some(found) => {
                    p { (picked(found)) }
                    (decisive(found, results.recommended))
                    (curse::section(found))
                    h3 { "Every metric" }
                    (figures::table(found))
                }
            }
        }
    }
}

/// How the finalists came to be finalists.
fn picked(found: &Confirmation) -> &'static str {
    match found.finalists.first().map(|finalist| finalist.basis) {
        Some(Basis::Knee) => {
            "Every gain of the last rung that is better in the second objective is detectably \
             worse in the first, so the knee of the front was confirmed."
        }
        _ => {
            "The finalists are gains of the last rung that are better in the second objective by \
             their estimate and not detectably worse in the first. They were picked one after the \
             other, each the one that raises most what the best confirmed finalist is expected to \
             bring, by the chances that the search gives them."
        }
    }
}

fn decisive(found: &Confirmation, recommended: Option<usize>) -> Markup {
    let level = percent(found.level);
    let caption = html! {
        "Differences to no gain on " (format::count(found.samples)) " fresh samples, seed "
        (found.seed) ". The first objective has a 95 % interval, the second one of " (level)
        @if found.finalists.len() > 1 {
            ": the finalists share its error, so that several gains that do nothing do not pass \
             more often than one"
        }
        ". Chance: that of being confirmed, as the search saw it."
    };
    let styles = [0, 1].map(|place| {
        let measures = found.finalists.iter().map(|finalist| &finalist.decisive[place]);
        let unit = measures.clone().next().map_or(Unit::Plain, |m| Unit::of(&m.metric));
        Style::of(unit, measures.filter_map(|measure| measure.difference.as_ref()))
    });
    let objectives = found.finalists.first().map(|finalist| &finalist.decisive);
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "expression" } th scope="col" { "chance" }
            @for objective in objectives.into_iter().flatten() {
                th scope="col" { (metrics::link(&objective.metric, &objective.name)) }
            }
            th scope="col" { "outcome" }
        } }
        tbody {
            @for (place, finalist) in found.finalists.iter().enumerate() {
                (row(finalist, styles, recommended == Some(place)))
            }
        }
    };
    parts::table(&caption, &rows)
}

fn row(finalist: &Finalist, styles: [Style; 2], recommended: bool) -> Markup {
    let class = match finalist.outcome {
        Outcome::Confirmed => "better",
        Outcome::Trades => "trades",
        Outcome::NotConfirmed => "undetected",
    };
    html! {
        tr.band[recommended] {
            th scope="row" { (number(finalist.candidate)) }
            td.expression { (parts::expression(&finalist.gain)) }
            td.number {
                @match finalist.basis {
                    Basis::Chance(chance) => (format::fixed(chance, 2)),
                    Basis::Knee => span.quiet { "knee" },
                }
            }
            @for (measure, style) in finalist.decisive.iter().zip(styles) {
                td.number { (change(measure, style)) }
            }
            td {
                (parts::badge(class, finalist.outcome.name()))
                @if recommended { " " span.quiet { "recommended" } }
            }
        }
    }
}

/// A difference under the sign of its effect.
fn change(measure: &Measure, style: Style) -> Markup {
    html! {
        @if let Some(difference) = &measure.difference {
            span class={ "effect " (measure.effect().name()) } {}
            (parts::difference(difference, style))
        }
    }
}

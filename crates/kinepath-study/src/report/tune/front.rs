//! The Pareto front of the last rung.

use maud::{Markup, html};

use super::number;
use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::report::sections::metrics;
use crate::tune::TuneResults;
use crate::tune::results::FrontPoint;

/// The table of the front.
pub(super) fn section(results: &TuneResults) -> Markup {
    html! {
        section {
            h2 id="front" { "The Pareto front" }
            p {
                "Of the gains of the last rung and no gain, those that no other one beats in both \
                 objectives: the prices at which improvement is to be had, as far as the search \
                 can tell."
            }
            (table(results))
        }
    }
}

fn table(results: &TuneResults) -> Markup {
    let Some(rung) = results.rungs.last() else { return html! {} };
    let styles = [0, 1].map(|place| {
        let differences =
            results.front.iter().filter_map(|c| c.objectives[place].difference.as_ref());
        Style::of(Unit::of(&rung.baseline[place].metric), differences)
    });
    let finalists = results.confirmation.iter().flat_map(|found| &found.finalists);
    let finalists: Vec<usize> = finalists.map(|finalist| finalist.candidate).collect();
    let caption = html! {
        "Differences to no gain on " (format::count(rung.samples))
        " samples, the same noise, with 95 % intervals. The knee is furthest from the chord \
         between the ends."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "expression" }
            @for objective in &rung.baseline {
                th scope="col" { (metrics::link(&objective.metric, &objective.name)) }
            }
            th scope="col" { "" }
        } }
        tbody {
            @for (place, choice) in results.front.iter().enumerate() {
                (row(choice, styles, place == results.knee.place, &finalists))
            }
        }
    };
    parts::table(&caption, &rows)
}

fn row(choice: &FrontPoint, styles: [Style; 2], knee: bool, finalists: &[usize]) -> Markup {
    let finalist = choice.candidate.is_some_and(|candidate| finalists.contains(&candidate));
    let marks: Vec<&str> =
        [(knee, "knee"), (finalist, "finalist")].iter().filter(|m| m.0).map(|m| m.1).collect();
    html! {
        tr {
            th scope="row" { (choice.candidate.map_or("none".to_owned(), number)) }
            td.expression { (parts::expression(&choice.gain)) }
            @for (objective, style) in choice.objectives.iter().zip(styles) {
                td.number {
                    @match &objective.difference {
                        Some(difference) => (parts::difference(difference, style)),
                        None => span.quiet { "0" },
                    }
                }
            }
            td { (marks.join(", ")) }
        }
    }
}

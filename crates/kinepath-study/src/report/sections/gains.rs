//! The gains: verdicts, figures and paired differences.

mod figures;
mod quoted;

use maud::{Markup, html};

use crate::format;
use crate::report::parts;
use crate::study::StudyResults;
use crate::study::results::{Comparison, ModelResults, Verdict};

/// Verdict per gain, then every metric of every gain beside the baseline.
pub(super) fn section(results: &StudyResults, model: &ModelResults) -> Markup {
    let compared = model.runs.iter().any(|run| run.comparison.is_some());
    html! {
        section {
            h3 { "What the gains change" }
            @if compared {
                p {
                    "Each gain is compared with the baseline sample by sample: both start from the \
                     same noise, so what differs is the gain alone. A verdict counts only the \
                     differences that stand after adjustment for the number of comparisons."
                }
                (verdicts(model))
            } @else {
                p { "There is nothing to compare: the figures below stand alone." }
            }
            @if model.runs.iter().all(|run| run.metrics.is_empty()) {
                p.note { "No metrics were computed." }
            } @else {
                (figures::table(results, model, compared))
            }
            (quoted::table(model))
        }
    }
}

fn verdicts(model: &ModelResults) -> Markup {
    let caption = html! { "Verdict per gain, against the baseline on the same noise." };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "verdict" } th scope="col" { "in words" }
            th scope="col" { "η(t)" } th scope="col" { "n" }
        } }
        tbody {
            @for (position, run) in model.runs.iter().enumerate() {
                tr {
                    th scope="row" { (parts::run_name(position, &run.name)) }
                    @match &run.comparison {
                        Some(comparison) => {
                            td { (badge(comparison)) }
                            td.words { (comparison.sentence) }
                        },
                        None => {
                            td.quiet colspan="2" {
                                @if position == 0 { "what the others are compared with" }
                                @else { "not compared" }
                            }
                        },
                    }
                    td.expression { (parts::expression(&run.gain)) }
                    td.number data-label="n" { (format::count(run.count)) }
                }
            }
        }
    };
    parts::wordy_table(&caption, &rows)
}

fn badge(comparison: &Comparison) -> Markup {
    let class = match comparison.verdict {
        Verdict::Improves => "better",
        Verdict::Trades | Verdict::LeavesNoise => "trades",
        Verdict::Harms => "worse",
        Verdict::NoDetectableEffect => "undetected",
    };
    parts::badge(class, comparison.verdict.name())
}

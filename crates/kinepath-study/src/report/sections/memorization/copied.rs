//! The training records that samples copy.

use kinepath::metrics::CopiedPoint;
use maud::{Markup, html};

use crate::format;
use crate::report::parts;
use crate::study::results::{Memorization, ModelResults};

/// How many records are copied under each gain, and which most; nothing where none is.
pub(super) fn tables(model: &ModelResults) -> Markup {
    if model.runs.iter().all(|run| run.memorization.copied_most.is_empty()) {
        return html! { p.note { "No training record is copied." } };
    }
    html! {
        (counts(model))
        @if let Some(baseline) = model.runs.first() {
            @if !baseline.memorization.copied_most.is_empty() { (most(&baseline.memorization)) }
        }
    }
}

fn counts(model: &ModelResults) -> Markup {
    let caption = html! {
        "Different training records of which there is a memorized sample, and the one copied most. \
         Few records with many copies are a case for looking at these; many records with few, for \
         the model."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "records copied" }
            th scope="col" { "copied most" } th scope="col" { "its samples" }
        } }
        tbody {
            @for (position, run) in model.runs.iter().enumerate() {
                tr {
                    th scope="row" { (parts::run_name(position, &run.name)) }
                    td.number { (format::count(run.memorization.records_copied)) }
                    @match run.memorization.copied_most.first() {
                        Some(record) => {
                            td.number { "row " (record.row) }
                            td.number { (format::count(record.samples)) }
                        },
                        None => { td.quiet colspan="2" { "none" } },
                    }
                }
            }
        }
    };
    parts::table(&caption, &rows)
}

/// The records copied most under the baseline.
fn most(audit: &Memorization) -> Markup {
    let repeated = audit.copied_most.iter().filter(|record| record.multiplicity > 1).count();
    let caption = html! {
        "The records that the baseline copies most, by their row in the training set. "
        @if repeated == 0 { "The training set holds each of them once." }
        @else {
            "More than once in the training set: " (repeated) " of these "
            (audit.copied_most.len()) ". Duplicates invite copying."
        }
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "row" } th scope="col" { "times in the training set" }
            th scope="col" { "memorized samples" }
        } }
        tbody { @for record in &audit.copied_most { (row(*record)) } }
    };
    html! {
        details {
            summary { "The records copied most" }
            (parts::table(&caption, &rows))
        }
    }
}

fn row(record: CopiedPoint) -> Markup {
    html! {
        tr {
            th scope="row" { (record.row) }
            td.number { (format::count(record.multiplicity)) }
            td.number { (format::count(record.samples)) }
        }
    }
}

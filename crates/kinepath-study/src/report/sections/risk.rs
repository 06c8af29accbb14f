//! Flags for samples at risk of being copies.

use maud::{Markup, html};

use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::study::results::{FlagScore, ModelResults, Risk};

/// How well the flags find copies, and how to use them; nothing where that was not tried.
pub(super) fn section(model: &ModelResults) -> Markup {
    let Some(risk) = &model.risk else { return html! {} };
    html! {
        section {
            h3 { "Telling copies by their energy" }
            p {
                "A path that is drawn onto a training record may spend much of its energy at the \
                 very end. If it does, a sampler can see a copy coming without the training set. \
                 The spike from which on a sample is flagged was chosen on one half of the \
                 baseline's samples; the table is of the other half."
            }
            p.sentence { (risk.sentence) }
            (table(risk))
            p { "A flag is of use where its precision is well above the base rate." }
            @if risk.marks_copies() {
                p { "To sample without flagged samples, draw only those whose spike is lower:" }
                pre tabindex="0" { code {
                    "kinepath sample --select terminal_spike=.." (format::fixed(risk.spike, 4)) " …"
                } }
            }
        }
    }
}

fn table(risk: &Risk) -> Markup {
    let scores = || risk.flags.iter().flat_map(|flag| [&flag.precision, &flag.recall]).flatten();
    let style = Style::of(Unit::Percent, scores());
    let caption = html! {
        "Precision: share of the flagged samples that are copies. Recall: share of the copies that \
         are flagged. Base rate: share of all samples that are copies, the precision of a flag that \
         knows nothing. 95 % intervals; a dash where nothing is flagged."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "flag" } th scope="col" { "copy" } th scope="col" { "base rate" }
            th scope="col" { "flagged" } th scope="col" { "precision" } th scope="col" { "recall" }
        } }
        tbody { @for flag in &risk.flags { (row(flag, style)) } }
    };
    parts::wordy_table(&caption, &rows)
}

fn row(flag: &FlagScore, style: Style) -> Markup {
    html! {
        tr {
            th.wrap scope="row" { (flag.flag) }
            td.words { (flag.truth) }
            td.number data-label="base rate" { (style.estimate(flag.base_rate)) }
            td.number data-label="flagged" { (style.estimate(flag.flagged)) }
            @for (name, score) in [("precision", &flag.precision), ("recall", &flag.recall)] {
                td.number data-label=(name) {
                    @match score {
                        Some(score) => (parts::interval(score, style)),
                        None => (parts::optional(None)),
                    }
                }
            }
        }
    }
}

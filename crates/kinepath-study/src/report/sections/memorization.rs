//! The memorization audit: how the share depends on the threshold, and who is copied.

mod classes;
mod copied;
mod curve;

use maud::{Markup, html};

use crate::report::figures::Figures;
use crate::study::StudyResults;
use crate::study::results::ModelResults;

/// The curve, the records copied and the classes; nothing where none of them is known.
pub(super) fn section(
    results: &StudyResults,
    model: &ModelResults,
    figures: &mut Figures,
) -> Markup {
    let known = model.runs.iter().any(|run| {
        let audit = &run.memorization;
        !audit.curve.is_empty() || !audit.copied_most.is_empty() || !audit.classes.is_empty()
    });
    if !known {
        return html! {};
    }
    html! {
        section {
            h3 { "What is copied" }
            p {
                "A sample counts as memorized when the nearest training record is less than a third \
                 as far as the second nearest, by distances in "
                (results.settings.data.copies_in_words())
                ". Where the line is drawn is a convention, so the first question is how much hangs \
                 on it; the next, whether copies are of few records or classes."
            }
            (curve::figure(model, figures))
            (copied::tables(model))
            (classes::tables(model))
        }
    }
}

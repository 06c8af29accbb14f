//! How certain a Goldilocks band is, and whether it holds on other samples.

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::format::{self, Unit};
use crate::report::parts;
use crate::study::results::{BandConfirmation, Goldilocks};

/// The share of resamples with a band, where its ends lie on them, and the trial on unseen samples.
pub(super) fn facts(curve: &Goldilocks) -> Markup {
    html! {
        h4.group-title { "How certain is it?" }
        dl.facts {
            div {
                dt { "Resampled" }
                dd {
                    (format::fixed(100.0 * curve.band_share, 0)) " %"
                    " of bootstrap resamples have an interior band, with fidelity significantly lower \
                     below it and memorization significantly higher above it."
                }
            }
            div {
                dt { "Its ends" }
                dd {
                    @match &curve.band_ends {
                        Some((low, high)) => {
                            "From " (end(low)) " to " (end(high))
                            " in energy: medians over those resamples, with the middle 95 %."
                        },
                        None => "Not told: fewer than half of the resamples have a band.",
                    }
                }
            }
            div {
                dt { "Unseen samples" }
                dd {
                    (curve.confirmation.sentence)
                    (trial(&curve.confirmation))
                }
            }
        }
    }
}

fn end(end: &Interval) -> Markup {
    let ends = [end.low, end.high].map(|value| format::significant(value, 4));
    html! {
        span.estimate { (format::significant(end.estimate, 4)) } " "
        span.ends { "[" (ends[0]) ", " (ends[1]) "]" }
    }
}

/// What was measured on the half of the samples that had no part in finding the band.
fn trial(confirmation: &BandConfirmation) -> Markup {
    let measured = |name: &str, value: Option<&Interval>, unit: Unit| {
        html! {
            " " (name) ": "
            @match value {
                Some(value) => (parts::lone_difference(value, unit)),
                None => "no samples on one side",
            }
            "."
        }
    };
    if confirmation.band.is_none() {
        return html! {};
    }
    html! {
        (measured(
            "Fidelity in the band less that below it",
            confirmation.fidelity_gain.as_ref(),
            Unit::Plain,
        ))
        (measured(
            "F_mem above the band less that in it",
            confirmation.memorization_avoided.as_ref(),
            Unit::Percent,
        ))
    }
}

//! The parts of the page of a search, in reading order.

mod account;
mod chart;
mod confirmation;
mod front;
mod overview;
mod provenance;

use maud::{Markup, html};

use super::figures::Figures;
use super::sections::metrics;
use super::{ReportError, parts};
use crate::tune::TuneResults;
use crate::tune::results::Measure;

/// The title of the page.
pub(super) fn title(results: &TuneResults) -> String {
    format!("A gain for {}", results.settings.field.name)
}

/// The content of the page's body.
pub(super) fn all(results: &TuneResults, figures: &mut Figures) -> Result<Markup, ReportError> {
    let provenance = provenance::section(results)?;
    let explained = shown(results).iter().map(|measure| measure.metric.as_str());
    Ok(html! {
        header.top { (overview::heading(results)) }
        main {
            (overview::section(results))
            (chart::section(results, figures))
            (front::section(results))
            (confirmation::section(results))
            (account::section(results))
            (provenance)
            (metrics::section(explained, &results.settings.data))
        }
        (parts::footer(&results.kinepath))
    })
}

/// The metrics that the page shows, of the baseline: all of the confirmation's, or the objectives.
fn shown(results: &TuneResults) -> &[Measure] {
    match (&results.confirmation, results.rungs.last()) {
        (Some(found), _) => &found.baseline,
        (None, Some(rung)) => &rung.baseline,
        (None, None) => &[],
    }
}

/// The number of a gain, by which the page's plots and tables call it.
fn number(candidate: usize) -> String {
    format!("#{candidate}")
}

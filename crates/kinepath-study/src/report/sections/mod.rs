//! The parts of the page, in reading order.

mod associations;
mod controls;
mod definitions;
mod energy;
mod gains;
mod goldilocks;
mod memorization;
pub(super) mod metrics;
pub(super) mod overview;
mod pictures;
pub(super) mod provenance;
mod risk;
mod source;
mod terciles;
mod theory;

use maud::{Markup, html};

use super::figures::Figures;
use super::{ReportError, parts};
use crate::study::StudyResults;
use crate::study::results::{ModelResults, metrics_of};

/// The content of the page's body.
pub(super) fn all(results: &StudyResults, figures: &mut Figures) -> Result<Markup, ReportError> {
    let provenance = provenance::section(results)?;
    let runs = results.models.iter().flat_map(|model| &model.runs);
    Ok(html! {
        header.top { (overview::heading(results)) }
        main {
            (overview::section(results))
            @for (position, model) in results.models.iter().enumerate() {
                (model_section(results, model, position, figures))
            }
            (provenance)
            (metrics::section(
                metrics_of(runs).iter().map(|result| result.metric.as_str()),
                &results.settings.data,
            ))
            (definitions::section())
        }
        (parts::footer(&results.kinepath))
    })
}

/// Everything about one velocity field.
fn model_section(
    results: &StudyResults,
    model: &ModelResults,
    position: usize,
    figures: &mut Figures,
) -> Markup {
    let id = overview::model_id(position);
    html! {
        section.model id=(id) aria-labelledby={ (id) "-title" } {
            header {
                h2 id={ (id) "-title" } { (model.name) }
                p.spec { "Velocity field " code { (model.spec) } }
            }
            (gains::section(results, model))
            (controls::section(model))
            (memorization::section(results, model, figures))
            (energy::section(model, figures))
            (associations::section(results, model, figures))
            (terciles::section(model))
            (goldilocks::section(model, figures))
            (risk::section(model))
            (theory::section(model, figures))
            (pictures::section(results, model))
        }
    }
}

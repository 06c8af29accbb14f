//! Energies per gain: table, histograms, profiles.

mod histogram;
mod profile;

use kinepath::stats::Summary;
use maud::{Markup, html};

use crate::format;
use crate::report::figures::Figures;
use crate::report::parts;
use crate::study::results::{EnergyResults, ModelResults, RunResults};

/// How much energy the paths spend, and when.
pub(super) fn section(model: &ModelResults, figures: &mut Figures) -> Markup {
    if !model.has_energies() {
        return html! {
            section {
                h3 { "How much energy the paths spend" }
                p.note {
                    "Not known: nobody measured the paths of these samples. What goes along the \
                     energy is left out too."
                }
            }
        };
    }
    html! {
        section {
            h3 { "How much energy the paths spend" }
            p {
                "The kinetic path energy (KPE) of a sample is half the integral of its squared speed \
                 from noise to data. Path efficiency is the share that the straight line at \
                 constant speed would have needed."
            }
            @if let Some(certificate) = &model.certificate {
                p { "The paths of the empirical field are " (certificate) "." }
            }
            (summary(model))
            (histogram::figure(model, figures))
            h3 { "When they spend it" }
            (profile::figure(model, figures))
        }
    }
}

fn summary(model: &ModelResults) -> Markup {
    let caption = html! {
        "Energies in squared data units: median over samples, with the quartiles in brackets."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "n" } th scope="col" { "KPE" }
            th scope="col" { "mean per dimension" }
            th scope="col" { "launch" } th scope="col" { "landing" }
            th scope="col" { "efficiency" } th scope="col" { "from t ≥ 0.95" }
            th scope="col" { "NFE" }
        } }
        tbody {
            @for (position, run, energy) in measured(model) {
                tr {
                    th scope="row" { (parts::run_name(position, &run.name)) }
                    td.number { (format::count(energy.kpe.count)) }
                    td.number { (quartiles(&energy.kpe)) }
                    td.number { (format::significant(energy.kpe_per_dimension, 3)) }
                    td.number { (quartiles(&energy.launch)) }
                    td.number { (quartiles(&energy.landing)) }
                    td.number { (quartiles(&energy.efficiency)) }
                    td.number { (format::fixed(100.0 * energy.terminal_spike.median, 1)) " %" }
                    td.number { (format::fixed(energy.nfe.median, 0)) }
                }
            }
        }
    };
    parts::table(&caption, &rows)
}

/// The runs whose paths were measured, with their places among all.
fn measured(model: &ModelResults) -> impl Iterator<Item = (usize, &RunResults, &EnergyResults)> {
    let runs = model.runs.iter().enumerate();
    runs.filter_map(|(position, run)| Some((position, run, run.energy.as_ref()?)))
}

fn quartiles(summary: &Summary) -> Markup {
    html! {
        span.estimate { (format::significant(summary.median, 3)) } " "
        span.ends {
            "[" (format::significant(summary.lower_quartile, 3)) ", "
            (format::significant(summary.upper_quartile, 3)) "]"
        }
    }
}

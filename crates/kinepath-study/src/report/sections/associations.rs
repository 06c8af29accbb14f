//! What the energy of the baseline's samples goes with.

use kinepath::metrics::GAP_THRESHOLD;
use maud::{Markup, html};

use crate::format;
use crate::report::figures::{Figures, Plot};
use crate::report::parts;
use crate::study::StudyResults;
use crate::study::results::{Association, ModelResults, SampleColumns};

/// A property that is drawn against KPE.
struct Panel {
    /// The key of its association.
    key: &'static str,
    /// Heading.
    title: &'static str,
    /// Axis.
    label: &'static str,
    /// How to read it.
    words: &'static str,
    /// A line to draw across.
    threshold: Option<f64>,
    column: fn(&SampleColumns) -> &[f64],
}

const PANELS: [Panel; 3] = [
    Panel {
        key: "knn_support",
        title: "KPE against support",
        label: "kNN support −log r",
        words: "Support is high where training records lie close in feature space. If energy goes \
                with rarity, the cloud falls to the right.",
        threshold: None,
        column: |samples| &samples.knn_support,
    },
    Panel {
        key: "margin",
        title: "KPE against margin",
        label: "classifier margin",
        words: "The margin is the classifier's first probability less its second: 1 is a sample \
                without doubt, 0 a tie.",
        threshold: None,
        column: |samples| &samples.margin,
    },
    Panel {
        key: "gap_ratio",
        title: "KPE against gap ratio",
        label: "gap ratio d1/d2",
        words: "Distance to the nearest training record over that to the second nearest. Below \
                the dashed line at 1/3, a sample counts as memorized.",
        threshold: Some(GAP_THRESHOLD),
        column: |samples| &samples.gap_ratio,
    },
];

/// Scatter plots, correlations beside them, and sentences.
pub(super) fn section(
    results: &StudyResults,
    model: &ModelResults,
    figures: &mut Figures,
) -> Markup {
    let samples = &model.samples;
    if !model.has_energies() {
        return html! {};
    }
    let shown: Vec<&Panel> = PANELS
        .iter()
        .filter(|panel| {
            let column = (panel.column)(samples);
            !column.is_empty() && column.len() == samples.kpe.len()
        })
        .collect();
    html! {
        section {
            h3 { "What the energy goes with" }
            @if shown.is_empty() && model.associations.is_empty() {
                p.note { "No properties of single samples were computed." }
            } @else {
                p {
                    "The samples of the baseline, one mark each. Spearman's ρ says how closely the \
                     ranks agree, from −1 to 1. KPE is close to half the squared distance \
                     travelled, so brightness and contrast move it: the partial ρ is what remains \
                     when the squared norm of the sample, ‖x(1)‖², and its displacement energy are \
                     held equal."
                }
            }
            @if !shown.is_empty() {
                figure {
                    div.panels {
                        @for panel in &shown { (draw(panel, model, figures)) }
                    }
                    figcaption {
                        b { "One mark per sample, n = " (format::count(samples.kpe.len())) ". " }
                        @if samples.memorized.len() == samples.kpe.len() {
                            "Orange triangles are memorized samples ("
                            (format::count(samples.memorized.iter().filter(|m| **m).count()))
                            "), blue circles are the others. "
                        }
                        "Brackets are 95 % intervals."
                    }
                }
            }
            @if !model.associations.is_empty() { (table(results, model)) }
        }
    }
}

fn draw(panel: &Panel, model: &ModelResults, figures: &mut Figures) -> Markup {
    let samples = &model.samples;
    let plot = Plot::Scatter {
        kpe: samples.kpe.clone(),
        y: (panel.column)(samples).to_vec(),
        memorized: match samples.memorized.len() == samples.kpe.len() {
            true => samples.memorized.clone(),
            false => vec![false; samples.kpe.len()],
        },
        label: panel.label,
        threshold: panel.threshold,
    };
    let association = model.associations.iter().find(|found| found.with == panel.key);
    let alt = format!(
        "Scatter plot, {}, {} samples. {}",
        panel.title,
        samples.kpe.len(),
        association.map_or("", |association| &association.sentence)
    );
    html! {
        div.panel {
            h4 { (panel.title) }
            (figures.add(plot, &alt))
            @if let Some(association) = association {
                dl.rho {
                    div { dt { "ρ" } dd { (parts::optional(association.plain.as_ref())) } }
                    div { dt { "partial ρ" } dd { (parts::optional(association.partial.as_ref())) } }
                }
                p.reading.said { (association.sentence) }
            }
            p.reading { (panel.words) }
        }
    }
}

fn table(results: &StudyResults, model: &ModelResults) -> Markup {
    let n = model.runs.first().map_or(0, |run| run.count);
    let caption = html! {
        "Spearman's ρ of KPE with each property, n = " (format::count(n))
        ", 95 % intervals from " (format::count(results.settings.resamples))
        " resamples; a dash where it is undefined."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "property" } th scope="col" { "ρ" } th scope="col" { "partial ρ" }
            th scope="col" { "in words" }
        } }
        tbody { @for association in &model.associations { (row(association)) } }
    };
    parts::wordy_table(&caption, &rows)
}

fn row(association: &Association) -> Markup {
    html! {
        tr {
            th scope="row" { (association.name) }
            td.number data-label="ρ" { (parts::optional(association.plain.as_ref())) }
            td.number data-label="partial ρ" { (parts::optional(association.partial.as_ref())) }
            td.words { (association.sentence) }
        }
    }
}

//! Samples beside their nearest training pictures and energy maps.

use maud::{Markup, html};

use crate::format;
use crate::study::StudyResults;
use crate::study::pictures::ANY;
use crate::study::results::{ModelResults, Picture};

/// Pictures by group; a note where there are none.
pub(super) fn section(results: &StudyResults, model: &ModelResults) -> Markup {
    let mut groups: Vec<&str> = Vec::new();
    for picture in &model.pictures {
        if !groups.contains(&picture.group.as_str()) {
            groups.push(&picture.group);
        }
    }
    html! {
        section {
            h3 { "What the samples look like" }
            @if groups.is_empty() {
                p.note { "There are no pictures: the samples are no images." }
            } @else {
                @if groups == [ANY] {
                    p {
                        "Samples of the baseline, evenly spread, not chosen by eye. Each card shows \
                         the sample and the training picture nearest in "
                        (results.settings.data.copies_in)
                        ". The marked ones count as memorized."
                    }
                } @else {
                    p {
                        "Samples of the baseline with little, middling and much energy, spread \
                         evenly over each third, not chosen by eye. Each card shows the sample, the \
                         training picture nearest in "
                        (results.settings.data.copies_in)
                        ", and the energy map: bright where the path spent most, on a scale of its \
                         own; its grain is the noise that the path started from. The marked ones \
                         count as memorized."
                    }
                }
                @for group in groups {
                    @if group != ANY { h4.group-title { (group) " KPE" } }
                    div.cards {
                        @for picture in model.pictures.iter().filter(|p| p.group == group) {
                            (card(picture))
                        }
                    }
                }
            }
        }
    }
}

fn card(picture: &Picture) -> Markup {
    let Picture { index, nearest_index, .. } = picture;
    html! {
        figure.card.memorized[picture.memorized] {
            div.triple {
                (image(&picture.sample, &format!("sample {index}"), "sample"))
                (image(
                    &picture.nearest,
                    &format!("training picture {nearest_index}, the nearest to sample {index}"),
                    "nearest",
                ))
                @if picture.kpe.is_some() {
                    (image(
                        &picture.energy_map,
                        &format!("energy map of sample {index}, bright where most energy was spent"),
                        "energy",
                    ))
                }
            }
            figcaption {
                "No. " (index)
                @if let Some(kpe) = picture.kpe { ", KPE " (format::significant(kpe, 4)) }
                br;
                "gap ratio " (format::fixed(picture.gap_ratio, 3))
                @if picture.memorized { " " span.badge.trades { "memorized" } }
            }
        }
    }
}

/// An embedded picture; an empty frame for anything else, so that nothing is ever loaded.
fn image(uri: &str, alt: &str, label: &str) -> Markup {
    html! {
        span.frame {
            @if uri.starts_with("data:image/") { img src=(uri) alt=(alt) loading="lazy"; }
            @else { span.void role="img" aria-label={ (alt) ": not recorded" } {} }
            span.label aria-hidden="true" { (label) }
        }
    }
}

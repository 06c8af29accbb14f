//! KPE histograms, a panel per gain over common bins.

use maud::{Markup, html};

use super::measured;
use crate::format;
use crate::report::figures::{Figures, Plot};
use crate::report::parts;
use crate::study::results::ModelResults;

/// Fewest and most bins.
const BINS: (usize, usize) = (8, 32);

/// The panels and their words.
pub(super) fn figure(model: &ModelResults, figures: &mut Figures) -> Markup {
    let values: Vec<Vec<f64>> = measured(model)
        .map(|(_, _, energy)| energy.values.iter().copied().filter(|v| v.is_finite()).collect())
        .collect();
    let Some(edges) = edges(&values) else {
        return html! { p.note { "There are too few energies, or all are equal: no histogram." } };
    };
    let shares: Vec<Vec<f64>> = values.iter().map(|values| shares(values, &edges)).collect();
    let baseline = shares.first().filter(|_| model.runs[0].energy.is_some());
    let top = 1.08 * shares.iter().flatten().copied().fold(0.0, f64::max);
    html! {
        figure {
            div.panels {
                @for (shares, (position, run, energy)) in shares.iter().zip(measured(model)) {
                    div.panel {
                        h4 { (parts::run_name(position, &run.name)) }
                        (figures.add(
                            Plot::Histogram {
                                edges: edges.clone(),
                                shares: shares.clone(),
                                baseline: baseline.filter(|_| position > 0).cloned(),
                                top,
                                series: parts::series(position),
                            },
                            &format!(
                                "Histogram of kinetic path energy for {}: median {}, middle half \
                                 from {} to {}.",
                                run.name,
                                format::significant(energy.kpe.median, 3),
                                format::significant(energy.kpe.lower_quartile, 3),
                                format::significant(energy.kpe.upper_quartile, 3)
                            ),
                        ))
                    }
                }
            }
            figcaption {
                b { "KPE over samples. " }
                "One panel per gain, all with the same bins and axes; height is the share of that \
                 gain's samples. "
                @if model.runs.len() > 1 {
                    "The grey area is the baseline: where the coloured outline lies left of it, the \
                     gain's paths are cheaper."
                }
            }
        }
    }
}

/// Equal bins over all runs, by the rule of Freedman and Diaconis within [`BINS`].
fn edges(values: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut all: Vec<f64> = values.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let (low, high) = (*all.first()?, *all.last()?);
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return None;
    }
    let at = |q: f64| all[(q * (all.len() - 1) as f64).round() as usize];
    let per_run = all.len() as f64 / values.len() as f64;
    let width = 2.0 * (at(0.75) - at(0.25)) / per_run.cbrt();
    let wanted = if width > 0.0 { span / width } else { BINS.0 as f64 };
    let bins = wanted.ceil().clamp(BINS.0 as f64, BINS.1 as f64) as usize;
    Some((0..=bins).map(|i| low + span * i as f64 / bins as f64).collect())
}

/// Share of `values` per bin in percent; the last bin holds its upper edge.
fn shares(values: &[f64], edges: &[f64]) -> Vec<f64> {
    let bins = edges.len() - 1;
    let mut counts = vec![0usize; bins];
    for &value in values {
        let bin = edges.partition_point(|&edge| edge <= value).clamp(1, bins) - 1;
        counts[bin] += 1;
    }
    let total = values.len().max(1) as f64;
    counts.into_iter().map(|count| 100.0 * count as f64 / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_one_bin() {
        let values: Vec<f64> = (0..101).map(f64::from).collect();
        let edges = edges(std::slice::from_ref(&values)).unwrap();
        let shares = shares(&values, &edges);
        assert_eq!(shares.len() + 1, edges.len());
        assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1e-9);
        assert!(shares.iter().all(|share| *share > 5.0));
    }

    #[test]
    fn nothing_to_spread_has_no_bins() {
        assert_eq!(edges(&[vec![3.0; 9]]), None);
        assert_eq!(edges(&[vec![], vec![]]), None);
        assert_eq!(edges(&[]), None);
    }
}

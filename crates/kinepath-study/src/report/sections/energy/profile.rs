//! Energy profiles along time, a panel per gain on common axes.

use maud::{Markup, html};

use super::measured;
use crate::report::figures::{Figures, Plot};
use crate::report::parts;
use crate::study::results::{ModelResults, ProfilePoint, RunResults};

/// Ratio of the largest to the smallest value from which the axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 50.0;

/// The panels and their words.
pub(super) fn figure(model: &ModelResults, figures: &mut Figures) -> Markup {
    let shown: Vec<(usize, &RunResults, &[ProfilePoint])> = measured(model)
        .map(|(position, run, energy)| (position, run, energy.profile.as_slice()))
        .filter(|(_, _, profile)| !profile.is_empty())
        .collect();
    if shown.is_empty() {
        return html! {
            p.note {
                "No energy profile was recorded; sampling with --record profile keeps it."
            }
        };
    }
    let (range, log) = axis(shown.iter().flat_map(|&(_, _, profile)| profile));
    let baseline = shown.first().filter(|(position, ..)| *position == 0);
    let baseline = baseline.map_or(&[][..], |(_, _, profile)| profile);
    html! {
        figure {
            div.panels {
                @for &(position, run, profile) in &shown {
                    div.panel {
                        h4 { (parts::run_name(position, &run.name)) }
                        (figures.add(
                            plot(position, profile, baseline, range, log),
                            &format!(
                                "Squared speed along time for {}: median over samples and the band \
                                 from the 10 % to the 90 % quantile.",
                                run.name
                            ),
                        ))
                    }
                }
            }
            figcaption {
                b { "Squared speed ‖dx/dt‖² along time t, from noise (0) to data (1)" }
                @if log { ", logarithmic. " } @else { ". " }
                "The line is the median over samples at the start of each step, the band goes from \
                 the 10 % to the 90 % quantile; KPE is half the area below. "
                @if shown.len() > 1 { "The grey line is the baseline's median. " }
                "Point at a line to read η(t)."
            }
        }
    }
}

fn plot(
    position: usize,
    profile: &[ProfilePoint],
    baseline: &[ProfilePoint],
    range: [f64; 2],
    log: bool,
) -> Plot {
    let column = |points: &[ProfilePoint], value: fn(&ProfilePoint) -> f64| -> Vec<f64> {
        points.iter().map(value).collect()
    };
    Plot::Profile {
        t: column(profile, |point| point.t),
        median: column(profile, |point| point.median),
        low: column(profile, |point| point.low),
        high: column(profile, |point| point.high),
        eta: column(profile, |point| point.eta),
        baseline: (position > 0 && !baseline.is_empty())
            .then(|| (column(baseline, |p| p.t), column(baseline, |p| p.median))),
        range,
        log,
        series: parts::series(position),
    }
}

/// Ends of the common axis, and whether it is logarithmic.
fn axis<'a>(points: impl Iterator<Item = &'a ProfilePoint>) -> ([f64; 2], bool) {
    let (mut least, mut most) = (f64::INFINITY, 0.0f64);
    for point in points {
        least = if point.low.is_finite() { least.min(point.low) } else { least };
        most = if point.high.is_finite() { most.max(point.high) } else { most };
    }
    if least > 0.0 && most.is_finite() && most / least > LOGARITHMIC_FROM {
        ([0.8 * least, 1.25 * most], true)
    } else {
        ([0.0, if most > 0.0 { 1.06 * most } else { 1.0 }], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_range_is_logarithmic() {
        let point = |low, high| ProfilePoint { t: 0.0, eta: 1.0, median: low, low, high };
        assert!(!axis([point(1.0, 40.0)].iter()).1);
        assert_eq!(axis([point(1.0, 100.0), point(2.0, 3.0)].iter()), ([0.8, 125.0], true));
        assert_eq!(axis([point(0.0, 0.0)].iter()), ([0.0, 1.0], false));
        assert_eq!(axis([point(0.0, 100.0)].iter()), ([0.0, 106.0], false));
    }
}

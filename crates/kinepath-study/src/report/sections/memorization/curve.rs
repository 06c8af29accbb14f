//! F_mem along the threshold of the gap ratio.

use kinepath::metrics::GAP_THRESHOLD;
use maud::{Markup, html};

use crate::format;
use crate::report::figures::{Figures, Line, Plot};
use crate::report::parts;
use crate::study::results::{CurvePoint, ModelResults, RunResults};

/// A curve per gain and that of held-out records; nothing without curves.
pub(super) fn figure(model: &ModelResults, figures: &mut Figures) -> Markup {
    let shown: Vec<(usize, &RunResults)> = model
        .runs
        .iter()
        .enumerate()
        .filter(|(_, run)| !run.memorization.curve.is_empty())
        .collect();
    let Some((_, first)) = shown.first() else { return html! {} };
    let false_alarms = false_alarms(&first.memorization.curve);
    let plot = Plot::Memorization {
        curves: shown
            .iter()
            .map(|&(position, run)| Line {
                x: run.memorization.curve.iter().map(|point| point.threshold).collect(),
                y: run.memorization.curve.iter().map(|point| 100.0 * point.f_mem).collect(),
                series: parts::series(position),
            })
            .collect(),
        false_alarms: false_alarms.clone(),
        threshold: GAP_THRESHOLD,
    };
    let alt = format!(
        "Share of samples whose gap ratio is below a threshold, along the threshold, for {}{}.",
        shown.iter().map(|(_, run)| run.name.as_str()).collect::<Vec<_>>().join(", "),
        if false_alarms.is_some() { ", and of held-out records" } else { "" }
    );
    html! {
        figure {
            div.panels { div.panel { (figures.add(plot, &alt)) } }
            p.keys {
                @for &(position, run) in &shown {
                    span { (parts::run_name(position, &run.name)) } " "
                }
                @if false_alarms.is_some() {
                    span { span.key.dashed aria-hidden="true" {} "held-out records" }
                }
            }
            figcaption {
                b { "F_mem along the threshold of the gap ratio. " }
                "The vertical line is the criterion, 1/3. "
                @match false_alarm_at_criterion(&first.memorization.curve) {
                    Some(share) => {
                        "The dotted line is the share of held-out real records, none of them a \
                         copy, that fall below the threshold too: "
                        (format::fixed(100.0 * share, 1)) " % at 1/3. What of a curve lies above \
                         it is more than chance resemblance."
                    },
                    None => {
                        "Without held-out records it is not known how many new records would fall \
                         below it too."
                    },
                }
            }
        }
    }
}

/// The false-alarm rate along the threshold, where every point has one.
fn false_alarms(curve: &[CurvePoint]) -> Option<Line> {
    let y = curve
        .iter()
        .map(|point| point.false_alarm.map(|share| 100.0 * share))
        .collect::<Option<Vec<f64>>>()?;
    Some(Line { x: curve.iter().map(|point| point.threshold).collect(), y, series: 0 })
}

fn false_alarm_at_criterion(curve: &[CurvePoint]) -> Option<f64> {
    curve.iter().find(|point| point.threshold == GAP_THRESHOLD)?.false_alarm
}

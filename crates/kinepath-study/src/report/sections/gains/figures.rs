//! Every metric of every gain beside the baseline.

use maud::{Markup, html};

use crate::format::{self, Style, Unit};
use crate::report::sections::metrics;
use crate::report::{forest, parts};
use crate::study::StudyResults;
use crate::study::results::{Difference, ModelResults, RunResults, metrics_of};

/// Largest number of samples that is worth naming.
const MOST_SAMPLES: usize = 10_000_000;

/// One group of rows per metric, so that gains stand below each other.
pub(super) fn table(results: &StudyResults, model: &ModelResults, compared: bool) -> Markup {
    let resamples = format::count(results.settings.resamples);
    let n = model.runs.first().map_or(0, |run| run.count);
    let results = model.runs.iter().flat_map(|run| &run.metrics);
    let outside = results.map(|result| &result.value).any(parts::is_outside);
    let caption = html! {
        "Figures with 95 % intervals, n = " (format::count(n)) " per gain"
        @if compared {
            ", and paired differences, gain minus baseline (pp: percentage points). "
            span.marks {
                "In the marks, the line is the interval of the difference, the dot its estimate, \
                 the vertical rule zero; the scale is common to a metric. "
            }
            "p adj.: two-sided p-value from "
            (resamples) " paired permutations, adjusted after Benjamini and Hochberg. Detectable: \
             the difference that a study of this size finds four times in five, before that \
             adjustment; n: how many samples would so find one as large as the one seen"
        }
        "."
        @if outside {
            " †: the estimate lies outside its own interval, as where it hangs on very few samples."
        }
    };
    let columns = if compared { 7 } else { 2 };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "figure" }
            @if compared {
                th scope="col" { "difference" }
                th.marks scope="col" { span.unseen { "difference as a mark" } }
                th scope="col" { "effect" } th scope="col" { "p adj." }
                th scope="col" { "detectable" }
            }
        } }
        @for metric in metrics_of(&model.runs) {
            @let group = Group::of(model, &metric.metric);
            tbody {
                tr.group { th scope="rowgroup" colspan=(columns) {
                    (metrics::link(&metric.metric, &metric.name)) " "
                    span.quiet { (parts::direction(metric.better)) }
                } }
                @for (position, run) in model.runs.iter().enumerate() {
                    (row(run, position, &group, compared))
                }
            }
        }
    };
    parts::table(&caption, &rows)
}

/// What the rows of one metric have in common.
struct Group<'a> {
    metric: &'a str,
    /// Style of the figures.
    figures: Style,
    /// Style of the differences.
    differences: Style,
    /// Scale of the marks.
    scale: f64,
}

impl<'a> Group<'a> {
    fn of(model: &'a ModelResults, metric: &'a str) -> Self {
        let unit = Unit::of(metric);
        let figures =
            model.runs.iter().filter_map(|run| run.figure(metric).map(|result| &result.value));
        let differences = || {
            let rows = model.runs.iter().filter_map(|run| run.difference(metric));
            rows.map(|row| &row.difference)
        };
        Self {
            metric,
            figures: Style::of(unit, figures),
            differences: Style::of(unit, differences()),
            scale: forest::scale(differences()),
        }
    }
}

fn row(run: &RunResults, position: usize, group: &Group<'_>, compared: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (parts::run_name(position, &run.name)) }
            td.number {
                @match run.figure(group.metric).map(|result| &result.value) {
                    Some(value) => (parts::interval(value, group.figures)),
                    None => (parts::optional(None)),
                }
            }
            @if compared {
                @match run.difference(group.metric) {
                    Some(difference) => {
                        td.number { (parts::difference(&difference.difference, group.differences)) }
                        td.marks { (forest::mark(&difference.difference, group.scale, difference.effect)) }
                        td { (parts::effect(difference.effect)) }
                        td.number title={ "unadjusted p = " (format::p_value(difference.p_value)) } {
                            (format::p_value(difference.q_value))
                        }
                        td.number { (detectable(difference, group.differences)) }
                    },
                    None => { td.quiet colspan="5" { @if position == 0 { "baseline" } } },
                }
            }
        }
    }
}

/// The difference that could have been seen, and the samples that would show the one that was.
fn detectable(difference: &Difference, style: Style) -> Markup {
    html! {
        span.estimate { "± " (style.amount(difference.detectable)) }
        @if let Some(needed) = difference.samples_needed {
            " " span.ends {
                @if needed > MOST_SAMPLES { "n > " (format::count(MOST_SAMPLES)) }
                @else { "n = " (format::count(needed)) }
            }
        }
    }
}

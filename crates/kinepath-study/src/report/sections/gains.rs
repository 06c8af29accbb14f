//! The gains: verdicts, figures and paired differences.

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::report::format::{self, Style, Unit};
use crate::report::{forest, parts};
use crate::study::StudyResults;
use crate::study::results::{
    Comparison, Difference, Direction, Effect, MetricResult, ModelResults, RunResults, Verdict,
};

/// Verdict per gain, then every metric of every gain beside the baseline.
pub(super) fn section(results: &StudyResults, model: &ModelResults) -> Markup {
    let compared = model.runs.iter().any(|run| run.comparison.is_some());
    html! {
        section {
            h3 { "What the gains change" }
            @if compared {
                p {
                    "Each gain is compared with the baseline sample by sample: both start from the \
                     same noise, so what differs is the gain alone. A verdict counts only the \
                     differences that stand after adjustment for the number of comparisons."
                }
                (verdicts(model))
            } @else {
                p { "There is nothing to compare: the figures below stand alone." }
            }
            @if model.runs.iter().all(|run| run.metrics.is_empty()) {
                p.note { "No metrics were computed." }
            } @else {
                (figures(results, model, compared))
            }
        }
    }
}

fn verdicts(model: &ModelResults) -> Markup {
    let caption = html! { "Verdict per gain, against the baseline on the same noise." };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "verdict" } th scope="col" { "in words" }
            th scope="col" { "η(t)" } th scope="col" { "n" }
        } }
        tbody {
            @for (position, run) in model.runs.iter().enumerate() {
                tr {
                    th scope="row" { (parts::run_name(position, &run.name)) }
                    @match &run.comparison {
                        Some(comparison) => {
                            td { (badge(comparison)) }
                            td.words { (comparison.sentence) }
                        },
                        None => {
                            td.quiet colspan="2" {
                                @if position == 0 { "what the others are compared with" }
                                @else { "not compared" }
                            }
                        },
                    }
                    td.expression { code { (breakable(&run.gain)) } }
                    td.number data-label="n" { (format::count(run.energy.kpe.count)) }
                }
            }
        }
    };
    parts::wordy_table(&caption, &rows)
}

/// An expression that may break after its commas.
fn breakable(expression: &str) -> Markup {
    html! { @for part in expression.split_inclusive(',') { (part) wbr; } }
}

fn badge(comparison: &Comparison) -> Markup {
    let (class, text) = match comparison.verdict {
        Verdict::Improves => ("better", "improves"),
        Verdict::Trades => ("trades", "trades"),
        Verdict::Harms => ("worse", "harms"),
        Verdict::NoDetectableEffect => ("undetected", "no detectable effect"),
    };
    html! { span class={ "badge " (class) } { (text) } }
}

/// One group of rows per metric, so that gains stand below each other.
fn figures(results: &StudyResults, model: &ModelResults, compared: bool) -> Markup {
    let resamples = format::count(results.settings.resamples);
    let n = model.runs.first().map_or(0, |run| run.energy.kpe.count);
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
            "p adj.: two-sided bootstrap p-value from "
            (resamples) " resamples, adjusted after Benjamini and Hochberg"
        }
        "."
        @if outside {
            " †: the estimate lies outside its own interval, because resamples repeat samples and \
             that shifts this figure; compare gains by their differences, which share the shift."
        }
    };
    let columns = if compared { 6 } else { 2 };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "figure" }
            @if compared {
                th scope="col" { "difference" }
                th.marks scope="col" { span.unseen { "difference as a mark" } }
                th scope="col" { "effect" } th scope="col" { "p adj." }
            }
        } }
        @for metric in metrics(model) {
            @let group = Group::of(model, &metric.metric);
            tbody {
                tr.group { th scope="rowgroup" colspan=(columns) {
                    (metric.name) " " span.quiet { (direction(metric.better)) }
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
        let figures = model.runs.iter().filter_map(|run| figure(run, metric));
        let differences = || {
            let rows = model.runs.iter().filter_map(|run| difference(run, metric));
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
                @match figure(run, group.metric) {
                    Some(value) => (parts::interval(value, group.figures)),
                    None => (parts::optional(None)),
                }
            }
            @if compared {
                @match difference(run, group.metric) {
                    Some(difference) => {
                        @let (class, text) = effect(difference.effect);
                        td.number { (parts::difference(&difference.difference, group.differences)) }
                        td.marks { (forest::mark(&difference.difference, group.scale, class)) }
                        td { span class={ "effect " (class) } { (text) } }
                        td.number title={ "unadjusted p = " (format::p_value(difference.p_value)) } {
                            (format::p_value(difference.q_value))
                        }
                    },
                    None => { td.quiet colspan="4" { @if position == 0 { "baseline" } } },
                }
            }
        }
    }
}

fn effect(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Better => ("better", "better"),
        Effect::Worse => ("worse", "worse"),
        Effect::Undetected => ("undetected", "undetected"),
    }
}

fn direction(better: Direction) -> &'static str {
    match better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    }
}

/// Every metric that some run has, in the order of first appearance.
fn metrics(model: &ModelResults) -> Vec<&MetricResult> {
    let mut metrics: Vec<&MetricResult> = Vec::new();
    for result in model.runs.iter().flat_map(|run| &run.metrics) {
        if metrics.iter().all(|known| known.metric != result.metric) {
            metrics.push(result);
        }
    }
    metrics
}

fn figure<'a>(run: &'a RunResults, metric: &str) -> Option<&'a Interval> {
    run.metrics.iter().find(|result| result.metric == metric).map(|result| &result.value)
}

fn difference<'a>(run: &'a RunResults, metric: &str) -> Option<&'a Difference> {
    run.comparison.as_ref()?.differences.iter().find(|row| row.metric == metric)
}

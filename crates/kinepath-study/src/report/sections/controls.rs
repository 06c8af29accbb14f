//! The controls: whether something simpler achieves what a gain does.

use kinepath::stats::Interval;
use maud::{Markup, html};

use super::metrics;
use crate::format::{Style, Unit};
use crate::report::parts;
use crate::study::results::{
    Comparison, Control, ControlFigure, ControlKind, Effect, ModelResults, RunResults,
};

/// A control in sentences.
struct Words {
    /// What was done.
    done: &'static str,
    /// What it tells.
    tells: &'static str,
}

fn words(kind: ControlKind) -> Words {
    match kind {
        ControlKind::NoiseMatched => Words {
            done: "the baseline's samples plus Gaussian noise, as much as the gain leaves behind",
            tells: "An advantage that it has too is that of noise, not of the path.",
        },
        ControlKind::Denoised => Words {
            done: "the gain's samples after one data-prediction step, x + (1 − t) v(x, t)",
            tells: "The step takes out the noise that is left: an advantage of the path survives \
                    it, one of noise does not.",
        },
        ControlKind::Constant => Words {
            done: "samples under a constant gain with the same mean over time",
            tells: "An advantage that it has too does not depend on when the motion is boosted or \
                    damped. It costs a whole run, so it is made only where there is an advantage to \
                    explain.",
        },
        ControlKind::EarlyStop => Words {
            done: "the baseline's path, left where as much noise remains as under the gain",
            tells: "An advantage that it has too comes of not finishing.",
        },
    }
}

const KINDS: [ControlKind; 4] = [
    ControlKind::NoiseMatched,
    ControlKind::Denoised,
    ControlKind::Constant,
    ControlKind::EarlyStop,
];

/// What each control is, then a table per gain; nothing where there are none.
pub(super) fn section(model: &ModelResults) -> Markup {
    let tried: Vec<(usize, &RunResults, &Comparison)> = model
        .runs
        .iter()
        .enumerate()
        .filter_map(|(position, run)| Some((position, run, run.comparison.as_ref()?)))
        .filter(|(_, _, comparison)| !comparison.controls.is_empty())
        .collect();
    if tried.is_empty() {
        return html! {};
    }
    html! {
        section {
            h3 { "Would something simpler do the same?" }
            p {
                "A path that is damped stops short of its end, and what is left over is noise: that \
                 alone takes samples away from training records and lowers F_mem. Controls make \
                 what such trivial effects would make, from the same noise, and are judged like \
                 gains, on F_mem and whatever the gain improves."
            }
            ul {
                @for kind in KINDS {
                    @let Words { done, tells } = words(kind);
                    li { b { (kind.name()) } ": " (done) ". " (tells) }
                }
            }
            p {
                "The verdict " i { "leaves noise" } " says that no advantage is detected after the \
                 denoising step, and that noise-matched samples or the early stop have every \
                 advantage of the gain: they are better than the baseline and not worse than the \
                 gain. Such a gain has changed nothing but how much noise is left."
            }
            p {
                "Below, differences are paired and have 95 % intervals. Effects count after \
                 adjustment over all controls of the field; against the gain, better means that the \
                 control is better."
            }
            @for (position, run, comparison) in tried {
                h4.group-title { (parts::run_name(position, &run.name)) }
                (of_gain(&run.name, &comparison.controls))
            }
        }
    }
}

fn of_gain(gain: &str, controls: &[Control]) -> Markup {
    let (run, not_run): (Vec<&Control>, Vec<&Control>) =
        controls.iter().partition(|control| !control.figures.is_empty());
    html! {
        @if !run.is_empty() { (table(gain, &run)) }
        @for reason in reasons(&not_run) {
            p.reading {
                @for (position, control) in
                    not_run.iter().filter(|control| control.sentence == reason).enumerate()
                {
                    @if position > 0 { ", " }
                    b { (control.kind.name()) }
                }
                " not made: " (reason)
            }
        }
    }
}

/// The different reasons why controls were not made, in order.
fn reasons<'a>(controls: &[&'a Control]) -> Vec<&'a str> {
    let mut reasons: Vec<&str> = Vec::new();
    for control in controls {
        if !reasons.contains(&control.sentence.as_str()) {
            reasons.push(&control.sentence);
        }
    }
    reasons
}

fn table(gain: &str, controls: &[&Control]) -> Markup {
    let caption = html! { "Controls of " (gain) "." };
    let rows = html! {
        thead { tr {
            th scope="col" { "metric" } th scope="col" { "control" }
            th scope="col" { "minus baseline" } th scope="col" { "effect" }
            th scope="col" { "minus gain" } th scope="col" { "effect" }
        } }
        @for control in controls {
            tbody {
                tr.group { th scope="rowgroup" colspan="6" {
                    div.aside {
                        (control.kind.name()) " " span.quiet { (words(control.kind).done) }
                    }
                } }
                @for figure in &control.figures { (row(figure, style(figure, controls))) }
                tr { td colspan="6" { div.aside { (control.sentence) } } }
            }
        }
    };
    parts::table(&caption, &rows)
}

/// The style of a metric over all controls of a gain.
fn style(of: &ControlFigure, controls: &[&Control]) -> Style {
    let same = || {
        let figures = controls.iter().flat_map(|control| &control.figures);
        figures.filter(|figure| figure.metric == of.metric)
    };
    let intervals = same().flat_map(|figure| [&figure.to_baseline, &figure.to_gain]);
    Style::of(Unit::of(&of.metric), intervals)
}

fn row(figure: &ControlFigure, style: Style) -> Markup {
    let against = |difference: &Interval, effect: Effect| {
        html! {
            td.number { (parts::difference(difference, style)) }
            td { (parts::effect(effect)) }
        }
    };
    html! {
        tr {
            th scope="row" { (metrics::link(&figure.metric, &figure.name)) }
            td.number { span.estimate { (style.estimate(figure.value)) } }
            (against(&figure.to_baseline, figure.to_baseline_effect))
            (against(&figure.to_gain, figure.to_gain_effect))
        }
    }
}

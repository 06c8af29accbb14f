//! What the closed form says along the paths of an empirical field.

use maud::{Markup, html};

use crate::format;
use crate::report::figures::{Figures, Line, Plot};
use crate::report::parts;
use crate::study::results::{ModelResults, Theory, TheoryNode};

/// Most rows of the table.
const ROWS: usize = 12;
/// The colour of the lines: that of the baseline's first rival, for the grey of the baseline is
/// hard to see in a band.
const SERIES: usize = 1;

/// Entropy, collapse and the energy–density law along time; nothing without a closed form.
pub(super) fn section(model: &ModelResults, figures: &mut Figures) -> Markup {
    let Some(theory) = &model.theory else { return html! {} };
    html! {
        section {
            h3 { "When a path settles on a record" }
            p {
                "The empirical field is known in closed form: at every state it points at the mean \
                 of the training records, weighted by how likely each of them is to be the path's \
                 end. At t = 0 all weigh the same; once one weight is nearly 1, the path is bound \
                 for that record."
            }
            p.sentence { (theory.sentence) }
            @if theory.nodes.is_empty() {
                p.note { "There are no nodes to draw." }
            } @else {
                (panels(theory, figures))
                (numbers(&theory.nodes))
            }
        }
    }
}

fn panels(theory: &Theory, figures: &mut Figures) -> Markup {
    let nodes = &theory.nodes;
    let entropy = Plot::Course {
        line: along(nodes, |node| node.entropy),
        band: Some([
            nodes.iter().map(|node| node.entropy_low).collect(),
            nodes.iter().map(|node| node.entropy_high).collect(),
        ]),
        label: "entropy, nats",
        range: None,
        steps: false,
    };
    let settled = Plot::Course {
        line: settled(&theory.collapse),
        band: None,
        label: "% of paths",
        range: Some([0.0, 104.0]),
        steps: true,
    };
    let law = |value: fn(&TheoryNode) -> Option<f64>, label, range| Plot::Course {
        line: along(nodes, |node| value(node).unwrap_or(f64::NAN)),
        band: None,
        label,
        range,
        steps: false,
    };
    let r_squared = law(|node| node.r_squared, "R²", Some([0.0, 1.04]));
    let slope = law(|node| node.slope, "slope", None);
    html! {
        figure {
            div.panels.pairs {
                (panel("Posterior entropy", entropy, figures))
                (panel("Paths settled on a record", settled, figures))
                (panel("Energy–density law: R²", r_squared, figures))
                (panel("Energy–density law: slope", slope, figures))
            }
            figcaption {
                b { "The closed form along time t, " (format::count(theory.count)) " paths. " }
                "Entropy is that of the weights over training records, median and 10–90 % band. A \
                 path has settled from the time on from which its largest weight stays above 0.99. \
                 The law says that ½‖v‖² is affine in −log density; R² is how affine it is over \
                 paths at one time, and the slope nears 1 where one record dominates."
            }
        }
    }
}

fn panel(title: &str, plot: Plot, figures: &mut Figures) -> Markup {
    html! {
        div.panel {
            h4 { (title) }
            (figures.add(plot, &format!("{title} along time, from noise (0) to data (1).")))
        }
    }
}

fn along(nodes: &[TheoryNode], value: impl Fn(&TheoryNode) -> f64) -> Line {
    Line {
        x: nodes.iter().map(|node| node.t).collect(),
        y: nodes.iter().map(value).collect(),
        series: SERIES,
    }
}

/// The share of paths that have settled by a time, in percent of all paths: it begins at 0 and
/// ends at the share of those that ever settle.
fn settled(collapse: &[Option<f64>]) -> Line {
    let mut times: Vec<f64> = collapse.iter().flatten().copied().collect();
    times.sort_by(f64::total_cmp);
    let (mut x, mut y) = (vec![0.0], vec![0.0]);
    for (before, &time) in times.iter().enumerate() {
        let share = 100.0 * (before + 1) as f64 / collapse.len() as f64;
        match (x.last() == Some(&time), y.last_mut()) {
            (true, Some(last)) => *last = share,
            _ => {
                x.push(time);
                y.push(share);
            }
        }
    }
    x.push(1.0);
    y.push(y.last().copied().unwrap_or(0.0));
    Line { x, y, series: SERIES }
}

fn numbers(nodes: &[TheoryNode]) -> Markup {
    let stride = nodes.len().div_ceil(ROWS);
    let caption = html! {
        "Medians over paths, with the 10 and 90 % quantiles of the entropy"
        @if stride > 1 { "; one node in " (stride) }
        ". Effective records: 1/Σλ² of the weights λ."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "t" } th scope="col" { "entropy, nats" }
            th scope="col" { "effective records" }
            th scope="col" { "slope of the law" } th scope="col" { "R²" }
        } }
        tbody {
            @for node in nodes.iter().step_by(stride) {
                tr {
                    th scope="row" { (format::fixed(node.t, 3)) }
                    td.number {
                        span.estimate { (format::fixed(node.entropy, 3)) } " "
                        span.ends {
                            "[" (format::fixed(node.entropy_low, 3)) ", "
                            (format::fixed(node.entropy_high, 3)) "]"
                        }
                    }
                    td.number { (format::significant(node.effective_count, 4)) }
                    td.number { (optional(node.slope)) }
                    td.number { (optional(node.r_squared)) }
                }
            }
        }
    };
    html! {
        details { summary { "The closed form in numbers" } (parts::table(&caption, &rows)) }
    }
}

fn optional(value: Option<f64>) -> String {
    format::fixed(value.unwrap_or(f64::NAN), 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_settle_one_after_the_other() {
        let line = settled(&[Some(0.6), None, Some(0.4), Some(0.6)]);
        assert_eq!((line.x, line.y), (vec![0.0, 0.4, 0.6, 1.0], vec![0.0, 25.0, 75.0, 75.0]));
        let line = settled(&[Some(0.0), Some(0.0)]);
        assert_eq!((line.x, line.y), (vec![0.0, 1.0], vec![100.0, 100.0]));
        let line = settled(&[None]);
        assert_eq!((line.x, line.y), (vec![0.0, 1.0], vec![0.0, 0.0]));
    }
}

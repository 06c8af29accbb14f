//! Every metric of every confirmed gain, side by side.

use maud::{Markup, html};

use super::number;
use crate::format::{self, Style, Unit};
use crate::report::sections::metrics;
use crate::report::{forest, parts};
use crate::tune::results::{Confirmation, Measure};

/// A confirmed gain: its name and its figures.
struct Confirmed<'a> {
    name: String,
    measures: &'a [Measure],
}

/// One group of rows per metric, so that gains stand below each other.
pub(super) fn table(found: &Confirmation) -> Markup {
    let finalists = found.finalists.iter().map(|finalist| Confirmed {
        name: format!("{} {}", number(finalist.candidate), kind(&finalist.gain)),
        measures: &finalist.measures,
    });
    let others = found.others.iter().map(|other| Confirmed {
        name: format!("{} {} ({})", number(other.candidate), kind(&other.gain), other.name),
        measures: &other.measures,
    });
    let gains: Vec<Confirmed<'_>> = finalists.chain(others).collect();
    let caption = html! {
        "Figures on " (format::count(found.samples)) " fresh samples and paired differences, gain \
         minus no gain (pp: percentage points), with 95 % intervals. "
        span.marks {
            "In the marks, the line is the interval of the difference, the dot its estimate, the \
             vertical rule zero; the scale is common to a metric. "
        }
        "An effect is one whose interval leaves out zero; with so many metrics, a few do by chance."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "figure" } th scope="col" { "difference" }
            th.marks scope="col" { span.unseen { "difference as a mark" } }
            th scope="col" { "effect" }
        } }
        @for unit in &found.baseline { (metric(unit, &gains)) }
    };
    parts::table(&caption, &rows)
}

/// The family of a gain: the word before its parameters.
fn kind(gain: &str) -> &str {
    gain.split(':').next().unwrap_or(gain)
}

/// The rows of one metric; `unit` is the baseline's.
fn metric(unit: &Measure, gains: &[Confirmed<'_>]) -> Markup {
    let rows: Vec<(&str, &Measure)> = gains
        .iter()
        .filter_map(|gain| {
            let measure = gain.measures.iter().find(|measure| measure.metric == unit.metric)?;
            Some((gain.name.as_str(), measure))
        })
        .collect();
    let differences = || rows.iter().filter_map(|(_, measure)| measure.difference.as_ref());
    let values = rows.iter().map(|(_, measure)| &measure.value).chain([&unit.value]);
    let figures = Style::of(Unit::of(&unit.metric), values);
    let style = Style::of(Unit::of(&unit.metric), differences());
    let scale = forest::scale(differences());
    html! {
        tbody {
            tr.group { th scope="rowgroup" colspan="5" {
                (metrics::link(&unit.metric, &unit.name)) " "
                span.quiet { (parts::direction(unit.better)) }
            } }
            tr {
                th scope="row" { (parts::run_name(0, "no gain")) }
                td.number { (parts::interval(&unit.value, figures)) }
                td.quiet colspan="3" { "baseline" }
            }
            @for (position, (name, measure)) in rows.iter().enumerate() {
                tr {
                    th scope="row" { (parts::run_name(position + 1, name)) }
                    td.number { (parts::interval(&measure.value, figures)) }
                    @if let Some(difference) = &measure.difference {
                        td.number { (parts::difference(difference, style)) }
                        td.marks { (forest::mark(difference, scale, measure.effect())) }
                        td { (parts::effect(measure.effect())) }
                    }
                }
            }
        }
    }
}

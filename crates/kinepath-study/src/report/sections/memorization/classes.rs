//! F_mem class by class.

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::report::format::{self, Style, Unit};
use crate::report::parts;
use crate::study::results::{ClassShare, ModelResults, RunResults};

/// A row per class, a column per gain; nothing without classes.
pub(super) fn table(model: &ModelResults) -> Markup {
    let runs = &model.runs;
    let mut classes: Vec<i64> = runs
        .iter()
        .flat_map(|run| run.memorization.classes.iter().map(|share| share.class))
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let by = runs.iter().map(|run| run.memorization.classes_by.as_str()).find(|by| !by.is_empty());
    let (Some(by), false) = (by, classes.is_empty()) else { return html! {} };
    let intervals: Vec<&Interval> = runs
        .iter()
        .flat_map(|run| run.memorization.classes.iter().filter_map(|share| share.f_mem.as_ref()))
        .collect();
    let style = Style::of(Unit::Percent, intervals.into_iter());
    let caption = html! {
        "F_mem by " (by) ", with 95 % intervals, and memorized samples of all samples of the class. \
         Classes have few samples each: look at the intervals before the order."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "class" }
            @for (position, run) in runs.iter().enumerate() {
                th scope="col" { (parts::run_name(position, &run.name)) }
            }
        } }
        tbody {
            @for class in classes {
                tr {
                    th scope="row" { (class) }
                    @for run in runs { td.number { (cell(run, class, style)) } }
                }
            }
        }
    };
    html! {
        h4.group-title { "Class by class" }
        (parts::table(&caption, &rows))
    }
}

fn cell(run: &RunResults, class: i64, style: Style) -> Markup {
    let Some(share) = run.memorization.classes.iter().find(|share| share.class == class) else {
        return parts::optional(None);
    };
    let ClassShare { count, memorized, f_mem, .. } = share;
    html! {
        @if let Some(f_mem) = f_mem { (parts::interval(f_mem, style)) }
        div.quiet { (format::count(*memorized)) " of " (format::count(*count)) }
    }
}

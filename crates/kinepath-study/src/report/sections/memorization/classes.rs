//! F_mem and energy class by class.

use maud::{Markup, html};

use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::study::results::{ClassShare, ModelResults, RunResults};

/// F_mem, and the energy where it is known: a row per class, a column per gain; nothing without
/// classes.
pub(super) fn tables(model: &ModelResults) -> Markup {
    let runs = &model.runs;
    let mut classes: Vec<i64> = runs
        .iter()
        .flat_map(|run| run.memorization.classes.iter().map(|share| share.class))
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let by = runs.iter().map(|run| run.memorization.classes_by.as_str()).find(|by| !by.is_empty());
    let (Some(by), false) = (by, classes.is_empty()) else { return html! {} };
    let shares = || runs.iter().flat_map(|run| &run.memorization.classes);
    let style = Style::of(Unit::Percent, shares().filter_map(|share| share.f_mem.as_ref()));
    let caption = html! {
        "F_mem by " (by) ", with 95 % intervals, and memorized samples of all samples of the class. \
         Classes have few samples each: look at the intervals before the order."
    };
    let energies = Style::of(Unit::Plain, shares().filter_map(|share| share.kpe.as_ref()));
    let energy_caption = html! {
        "Mean kinetic path energy by " (by) ", in squared data units, with 95 % intervals, and number \
         of samples."
    };
    html! {
        h4.group-title { "Class by class" }
        (table(runs, &classes, &caption, |share| memorization(share, style)))
        @if shares().any(|share| share.kpe.is_some()) {
            (table(runs, &classes, &energy_caption, |share| energy(share, energies)))
        }
    }
}

fn table(
    runs: &[RunResults],
    classes: &[i64],
    caption: &Markup,
    cell: impl Fn(&ClassShare) -> Markup,
) -> Markup {
    let of_class = |run: &RunResults, class: i64| {
        let share = run.memorization.classes.iter().find(|share| share.class == class);
        share.map_or_else(|| parts::optional(None), &cell)
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "class" }
            @for (position, run) in runs.iter().enumerate() {
                th scope="col" { (parts::run_name(position, &run.name)) }
            }
        } }
        tbody {
            @for &class in classes {
                tr {
                    th scope="row" { (class) }
                    @for run in runs { td.number { (of_class(run, class)) } }
                }
            }
        }
    };
    parts::table(caption, &rows)
}

fn energy(ClassShare { count, kpe, .. }: &ClassShare, style: Style) -> Markup {
    html! {
        @if let Some(kpe) = kpe { (parts::interval(kpe, style)) }
        div.quiet { (format::count(*count)) " samples" }
    }
}

fn memorization(share: &ClassShare, style: Style) -> Markup {
    let ClassShare { count, memorized, f_mem, .. } = share;
    html! {
        @if let Some(f_mem) = f_mem { (parts::interval(f_mem, style)) }
        div.quiet { (format::count(*memorized)) " of " (format::count(*count)) }
    }
}

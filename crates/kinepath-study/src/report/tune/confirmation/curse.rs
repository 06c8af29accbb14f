//! The winner's curse: what the search promised, and what came.

use maud::{Markup, html};

use super::number;
use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::report::sections::metrics;
use crate::tune::results::{Confirmation, Finalist, Promise};

/// A table of every promise; nothing where there are none.
pub(super) fn section(found: &Confirmation) -> Markup {
    if found.finalists.iter().all(|finalist| finalist.promises.is_empty()) {
        return html! {};
    }
    html! {
        h3 { "The winner’s curse" }
        p {
            "A finalist was picked because its estimates were good, so they are partly luck, and \
             fresh samples tend to show less improvement and more cost. Only they count."
        }
        (table(found))
    }
}

fn table(found: &Confirmation) -> Markup {
    let caption = html! {
        "Differences to no gain in the last rung and on fresh samples, with 95 % intervals. Kept: \
         the share of the first that came; below 0, the sign turned."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "metric" } th scope="col" { "search" }
            th scope="col" { "fresh samples" } th scope="col" { "kept" }
        } }
        @for finalist in &found.finalists {
            tbody { @for promise in &finalist.promises { (row(finalist, promise)) } }
        }
    };
    parts::table(&caption, &rows)
}

fn row(finalist: &Finalist, promise: &Promise) -> Markup {
    let both = [&promise.search, &promise.confirmed];
    let style = Style::of(Unit::of(&promise.metric), both.into_iter());
    html! {
        tr {
            th scope="row" { (number(finalist.candidate)) }
            td { (metrics::link(&promise.metric, &promise.name)) }
            @for difference in both { td.number { (parts::difference(difference, style)) } }
            td.number {
                @match promise.shrinkage {
                    Some(shrinkage) => { (format::fixed(100.0 * (1.0 - shrinkage), 0)) " %" },
                    None => (parts::optional(None)),
                }
            }
        }
    }
}

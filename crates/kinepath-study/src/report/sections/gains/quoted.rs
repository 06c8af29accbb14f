//! Figures as other tools quote them.

use maud::{Markup, html};

use crate::format;
use crate::report::parts;
use crate::study::results::ModelResults;

/// FD∞ and the kernel distance over subsets per gain; nothing where no run has either.
pub(super) fn table(model: &ModelResults) -> Markup {
    let any = model
        .runs
        .iter()
        .any(|run| run.quoted.frechet_infinity.is_some() || run.quoted.kernel_subsets.is_some());
    if !any {
        return html! {};
    }
    let caption = html! {
        "FD∞: intercept of the Fréchet distance against 1/n ± its standard error. Kernel distance: \
         mean ± standard deviation over random subsets. A dash where there are too few samples."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "FD∞" }
            th scope="col" { "kernel distance over subsets" }
        } }
        tbody {
            @for (position, run) in model.runs.iter().enumerate() {
                tr {
                    th scope="row" { (parts::run_name(position, &run.name)) }
                    td.number { (with_spread(run.quoted.frechet_infinity)) }
                    td.number { (with_spread(run.quoted.kernel_subsets)) }
                }
            }
        }
    };
    html! {
        h4.group-title { "Figures as other tools quote them" }
        p {
            "For comparison with other publications that use the same encoder, preprocessing and \
             reference; not compared between gains here. A Fréchet distance is biased by the number \
             of samples, but all gains have the same number, so the bias cancels in the differences \
             above, and the extrapolation would only add the scatter of its line. Neither ± is the \
             uncertainty of the figure over new samples: the sizes, and the subsets, share samples."
        }
        (parts::table(&caption, &rows))
    }
}

/// A figure ± its spread, to two digits of the spread.
fn with_spread(figure: Option<(f64, f64)>) -> Markup {
    let Some((value, spread)) = figure else { return parts::optional(None) };
    let decimals = format::decimals_for(spread, 2);
    html! {
        span.estimate { (format::fixed(value, decimals)) } " "
        span.ends { "± " (format::fixed(spread, decimals)) }
    }
}

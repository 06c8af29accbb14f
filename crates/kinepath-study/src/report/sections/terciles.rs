//! Fidelity and memorization by KPE tercile.

use maud::{Markup, html};

use crate::format;
use crate::report::parts;
use crate::study::results::{ModelResults, Tercile};

/// The table of terciles; nothing where there are none.
pub(super) fn section(model: &ModelResults) -> Markup {
    if model.terciles.is_empty() {
        return html! {};
    }
    let scores = model.terciles.first().map_or(&[][..], |tercile| &tercile.scores);
    let caption = html! {
        "The baseline's samples in thirds by KPE: mean ± standard deviation over samples; 95 % \
         interval of the share memorized."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "third" } th scope="col" { "n" } th scope="col" { "mean KPE" }
            @for (score, _, _) in scores { th scope="col" { (score) } }
            th scope="col" { "memorized" }
        } }
        tbody {
            @for (position, tercile) in model.terciles.iter().enumerate() {
                (row(name(position, model.terciles.len()), tercile))
            }
        }
    };
    html! {
        section {
            h3 { "Low, middle and high energy" }
            p {
                "The same question in three groups: whether samples with more energy are more \
                 clearly something, and whether they are more often copies. The spread is that of \
                 the samples, not an uncertainty of the mean."
            }
            (parts::table(&caption, &rows))
        }
    }
}

fn name(position: usize, count: usize) -> String {
    match (position, count) {
        (0, 3) => "low".to_owned(),
        (1, 3) => "middle".to_owned(),
        (2, 3) => "high".to_owned(),
        _ => (position + 1).to_string(),
    }
}

fn row(name: String, tercile: &Tercile) -> Markup {
    let spread = |mean: f64, sd: f64| {
        html! {
            span.estimate { (format::fixed(mean, 3)) } " "
            span.ends { "± " (format::fixed(sd, 3)) }
        }
    };
    html! {
        tr {
            th scope="row" { (name) }
            td.number { (format::count(tercile.count)) }
            td.number { (format::significant(tercile.kpe, 4)) }
            @for &(_, mean, sd) in &tercile.scores { td.number { (spread(mean, sd)) } }
            td.number {
                span.estimate { (format::fixed(100.0 * tercile.f_mem.estimate, 1)) " %" } " "
                span.ends {
                    "[" (format::fixed(100.0 * tercile.f_mem.low, 1)) ", "
                    (format::fixed(100.0 * tercile.f_mem.high, 1)) "]"
                }
            }
        }
    }
}

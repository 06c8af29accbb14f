//! The Goldilocks curve: memorization and fidelity along KPE.

mod certainty;

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::format::{self, Style, Unit};
use crate::report::figures::{Bin, Figures, Plot};
use crate::report::parts;
use crate::study::results::{Goldilocks, GoldilocksBin, ModelResults};

/// The curve, its sentence, and its numbers.
pub(super) fn section(model: &ModelResults, figures: &mut Figures) -> Markup {
    let Some(curve) = &model.goldilocks else { return html! {} };
    html! {
        section {
            h3 { "The Goldilocks curve" }
            p {
                "Too little energy may leave a sample vague, too much may carry it onto a training \
                 record. The curve asks whether there is a range between."
            }
            p.sentence { (curve.sentence) }
            @if curve.bins.is_empty() {
                p.note { "There are no bins to draw." }
            } @else {
                (figure(curve, figures))
                (certainty::facts(curve))
                (numbers(curve))
            }
        }
    }
}

fn figure(curve: &Goldilocks, figures: &mut Figures) -> Markup {
    let band = band(curve);
    let plot =
        Plot::Goldilocks { bins: curve.bins.iter().map(bin).collect(), band: band.map(|b| b.1) };
    let alt = format!(
        "Share of memorized samples and mean classifier margin in {} bins of kinetic path energy. \
         {}",
        curve.bins.len(),
        curve.sentence
    );
    html! {
        figure {
            (figures.add(plot, &alt))
            figcaption {
                b { "F_mem (above) and fidelity (below) along KPE. " }
                "Each point is a bin of nearly equally many samples of the baseline, at the middle \
                 of its energies; vertical bars are 95 % intervals, horizontal bars the bin's \
                 range. "
                @match band {
                    Some(_) => {
                        "In the shaded band, fidelity is not significantly below its best and F_mem \
                         not significantly above its lowest."
                    },
                    None => { "No band is shaded: no stretch of bins is both." },
                }
            }
        }
    }
}

/// First and last bin of the band and its energies, if the bins exist.
fn band(curve: &Goldilocks) -> Option<((usize, usize), [f64; 2])> {
    let (first, last) = curve.band?;
    Some(((first, last), [curve.bins.get(first)?.kpe_low, curve.bins.get(last)?.kpe_high]))
}

fn bin(bin: &GoldilocksBin) -> Bin {
    let scaled = |v: &Interval, factor: f64| [v.low, v.estimate, v.high].map(|v| factor * v);
    Bin {
        n: bin.count,
        kpe: [bin.kpe_low, bin.kpe_high],
        f_mem: scaled(&bin.f_mem, 100.0),
        fidelity: scaled(&bin.fidelity, 1.0),
    }
}

fn numbers(curve: &Goldilocks) -> Markup {
    let inside =
        |position| band(curve).is_some_and(|((first, last), _)| (first..=last).contains(&position));
    let f_mem = Style::of(Unit::Percent, curve.bins.iter().map(|bin| &bin.f_mem));
    let fidelity = Style::of(Unit::Plain, curve.bins.iter().map(|bin| &bin.fidelity));
    let caption =
        html! { "The curve in numbers, with 95 % intervals; bins of the band are marked." };
    let rows = html! {
        thead { tr {
            th scope="col" { "bin" } th scope="col" { "KPE" } th scope="col" { "n" }
            th scope="col" { "F_mem" } th scope="col" { "margin" } th scope="col" { "in the band" }
        } }
        tbody {
            @for (position, bin) in curve.bins.iter().enumerate() {
                tr.band[inside(position)] {
                    th scope="row" { (position + 1) }
                    td.number {
                        (format::significant(bin.kpe_low, 4)) " to "
                        (format::significant(bin.kpe_high, 4))
                    }
                    td.number { (format::count(bin.count)) }
                    td.number { (parts::interval(&bin.f_mem, f_mem)) }
                    td.number { (parts::interval(&bin.fidelity, fidelity)) }
                    td { @if inside(position) { "yes" } @else { span.quiet { "no" } } }
                }
            }
        }
    };
    html! {
        details { summary { "The curve in numbers" } (parts::table(&caption, &rows)) }
    }
}

//! What became of every gain.

use maud::{Markup, html};

use super::number;
use crate::format::{self, Style, Unit};
use crate::report::parts;
use crate::report::sections::metrics;
use crate::tune::TuneResults;
use crate::tune::results::{Account, Fate, Outcome, Reckoned, Rung, Trial};

/// The account in words, then every gain where it was last seen.
pub(super) fn section(results: &TuneResults) -> Markup {
    html! {
        section {
            h2 id="account" { "What became of every gain" }
            p.sentence { (results.account.sentence) }
            p {
                "A search proves nothing about gains that it did not try. Of those that it did, \
                 each is listed where it was last seen, with the samples that it got there. A gain \
                 that is left undecided was dropped while it might still have been what was \
                 sought: more samples would tell."
            }
            (table(results))
        }
    }
}

/// A group of gains with a common fate.
struct Group<'a> {
    title: &'static str,
    gains: Vec<&'a Reckoned>,
}

fn groups(account: &Account) -> Vec<Group<'_>> {
    let fresh = |outcome| {
        account.gains.iter().filter(|gain| gain.fresh == Some(outcome)).collect::<Vec<_>>()
    };
    let left = |fate| account.left(fate).collect::<Vec<_>>();
    let all = [
        ("Finalists, confirmed on fresh samples", fresh(Outcome::Confirmed)),
        ("Finalists that trade on fresh samples", fresh(Outcome::Trades)),
        ("Finalists without a detectable improvement on fresh samples", {
            fresh(Outcome::NotConfirmed)
        }),
        ("Better at no detected cost, left undecided", left(Fate::Open)),
        ("Better at a detectable cost", left(Fate::Costly)),
        ("Not detectably better", left(Fate::NotBetter)),
    ];
    all.into_iter()
        .filter(|(_, gains)| !gains.is_empty())
        .map(|(title, gains)| Group { title, gains })
        .collect()
}

fn table(results: &TuneResults) -> Markup {
    let Some(rung) = results.rungs.first() else { return html! {} };
    let caption = html! {
        "Every gain with the differences to no gain in the last rung that it was in, with 95 % \
         intervals."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "gain" } th scope="col" { "expression" }
            @for objective in &rung.baseline {
                th scope="col" { (metrics::link(&objective.metric, &objective.name)) }
            }
            th scope="col" { "samples" }
        } }
        @for group in groups(&results.account) {
            tbody {
                tr.group { th scope="rowgroup" colspan="5" {
                    (group.title) " " span.quiet { (format::count(group.gains.len())) }
                } }
                @for gain in group.gains { (row(gain, &results.rungs)) }
            }
        }
    };
    parts::table(&caption, &rows)
}

fn row(gain: &Reckoned, rungs: &[Rung]) -> Markup {
    let mut seen = rungs.iter().rev().flat_map(|rung| &rung.gains);
    let trial: Option<&Trial> = seen.find(|trial| trial.candidate == gain.candidate);
    html! {
        tr {
            th scope="row" { (number(gain.candidate)) }
            td.expression { (parts::expression(&gain.gain)) }
            @for measure in trial.iter().flat_map(|trial| &trial.objectives) {
                td.number {
                    @if let Some(difference) = &measure.difference {
                        @let style = Style::lone(Unit::of(&measure.metric), difference);
                        span class={ "effect " (measure.effect().name()) } {}
                        (parts::difference(difference, style))
                    }
                }
            }
            td.number { (format::count(gain.samples)) }
        }
    }
}

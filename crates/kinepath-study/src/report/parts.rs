//! Markup that several sections use.

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::format::{MISSING, Style, Unit};
use crate::study::results::{Direction, Effect};

/// A table that scrolls sideways where the page is too narrow for it.
pub(super) fn table(caption: &Markup, content: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="table" {
            table { caption { (caption) } (content) }
        }
    }
}

/// As [`table`], for tables with sentences: where the page is narrow, each row becomes a paragraph.
pub(super) fn wordy_table(caption: &Markup, content: &Markup) -> Markup {
    html! { div.wordy { (table(caption, content)) } }
}

/// An estimate with its interval. An estimate outside its own interval is marked with a dagger.
pub(super) fn interval(value: &Interval, style: Style) -> Markup {
    html! {
        span.estimate { (style.estimate(value.estimate)) @if is_outside(value) { "†" } }
        " " span.ends { (style.ends(value)) }
    }
}

/// A lone figure with its interval, with the digits that suit it.
pub(super) fn lone_interval(value: &Interval, unit: Unit) -> Markup {
    interval(value, Style::lone(unit, value))
}

/// A difference with its interval.
pub(super) fn difference(value: &Interval, style: Style) -> Markup {
    html! {
        span.estimate { (style.signed_estimate(value.estimate)) }
        " " span.ends { (style.signed_ends(value)) }
    }
}

/// A lone difference with its interval, with the digits that suit it.
pub(super) fn lone_difference(value: &Interval, unit: Unit) -> Markup {
    difference(value, Style::lone(unit, value))
}

/// Whether resampling shifts a figure so far that its interval leaves out its estimate.
pub(super) fn is_outside(value: &Interval) -> bool {
    value.estimate < value.low || value.estimate > value.high
}

/// An interval, or a dash where the figure is undefined.
pub(super) fn optional(value: Option<&Interval>) -> Markup {
    match value {
        Some(value) => lone_interval(value, Unit::Plain),
        None => html! { span.missing { (MISSING) } },
    }
}

/// The name of the run at `position`, with the colour that it has in the plots.
pub(super) fn run_name(position: usize, name: &str) -> Markup {
    html! { span class={ "key key-" (series(position)) } aria-hidden="true" {} (name) }
}

/// The colour of the run at `position`: 0 for the baseline, then six that repeat.
pub(super) fn series(position: usize) -> usize {
    if position == 0 { 0 } else { (position - 1) % 6 + 1 }
}

/// An effect in a word, which is its class too.
pub(super) fn effect(effect: Effect) -> Markup {
    html! { span class={ "effect " (effect.name()) } { (effect.name()) } }
}

/// Which way a metric improves, in words.
pub(super) fn direction(better: Direction) -> &'static str {
    match better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
        Direction::Zero => "closer to 0 is better",
    }
}

/// A judgement in a word or two.
pub(super) fn badge(class: &str, text: &str) -> Markup {
    html! { span class={ "badge " (class) } { (text) } }
}

/// An expression that may break after its commas.
pub(super) fn expression(expression: &str) -> Markup {
    html! { code { @for part in expression.split_inclusive(',') { (part) wbr; } } }
}

/// Conditions, as pairs of a term and its text.
pub(super) fn facts(facts: &[(&str, String)]) -> Markup {
    html! {
        dl.facts {
            @for (term, text) in facts { div { dt { (term) } dd { (text) } } }
        }
    }
}

/// The end of a page.
pub(super) fn footer(version: &str) -> Markup {
    html! {
        footer {
            p { "Made by kinepath " (version) ". This file is complete: it loads nothing." }
        }
    }
}

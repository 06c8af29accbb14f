//! Where a quantity is defined.

use maud::{Markup, Render, html};

/// A paper, by its number in the arXiv, or another text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Arxiv(&'static str),
    Text(&'static str),
}

/// The paper that energies, shaping and the memorization audit follow.
pub(super) const KINETIC: Source = Source::Arxiv("2602.07928");

impl Render for Source {
    fn render(&self) -> Markup {
        match self {
            Self::Arxiv(number) => html! {
                a href={ "https://arxiv.org/abs/" (number) } rel="noreferrer" { "arXiv " (number) }
            },
            Self::Text(text) => html! { (text) },
        }
    }
}

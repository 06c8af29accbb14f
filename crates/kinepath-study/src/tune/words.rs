//! Words for differences.

use kinepath::stats::Interval;

use crate::study::results::Direction;

/// What a gain does to a metric that it improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verb(&'static str);

impl Verb {
    pub(super) fn of(better: Direction) -> Self {
        Self(match better {
            Direction::Lower => "lower",
            Direction::Higher => "raise",
            Direction::Zero => "improve",
        })
    }

    /// What one gain does: `lowers`.
    pub(super) fn singular(self) -> String {
        format!("{}s", self.0)
    }

    /// What `count` gains do or do not do: `2 do not lower …`.
    pub(super) fn clause(self, count: usize, does: bool, rest: &str) -> String {
        let verb = match (count, does) {
            (1, true) => self.singular(),
            (1, false) => format!("does not {}", self.0),
            (_, true) => self.0.to_owned(),
            (_, false) => format!("do not {}", self.0),
        };
        format!("{count} {verb} {rest}")
    }
}

/// A difference with its interval and signs, to three digits of its largest number.
pub(super) fn signed(Interval { estimate, low, high }: Interval) -> String {
    let largest = estimate.abs().max(low.abs()).max(high.abs());
    let places = if largest > 0.0 { 2 - largest.log10().floor() as i32 } else { 0 };
    let places = places.clamp(0, 9) as usize;
    format!("{estimate:+.places$} [{low:+.places$}, {high:+.places$}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_three_digits() {
        let text = |estimate, low, high| signed(Interval { estimate, low, high });
        assert_eq!(text(-0.0412, -0.06, 0.01), "-0.0412 [-0.0600, +0.0100]");
        assert_eq!(text(12.0, 3.0, 123.0), "+12 [+3, +123]");
        assert_eq!(text(0.0, 0.0, 0.0), "+0 [+0, +0]");
    }

    #[test]
    fn verbs_agree_with_their_number() {
        let lower = Verb::of(Direction::Lower);
        assert_eq!(lower.clause(1, true, "it"), "1 lowers it");
        assert_eq!(lower.clause(1, false, "it"), "1 does not lower it");
        assert_eq!(Verb::of(Direction::Higher).clause(3, true, "it"), "3 raise it");
        assert_eq!(lower.clause(2, false, "it"), "2 do not lower it");
    }
}

//! Words for differences.

use kinepath::stats::Interval;

use crate::format::{Style, Unit};
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

/// A difference of the metric of that key, with its interval.
pub(super) fn difference(metric: &str, difference: &Interval) -> String {
    Style::lone(Unit::of(metric), difference).difference(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_the_unit_of_their_metric() {
        let found = Interval { estimate: -0.0412, low: -0.0603, high: 0.0104 };
        assert_eq!(difference("f_mem", &found), "−4.1 pp [−6.0, +1.0]");
        assert_eq!(difference("recall", &found), "−0.041 [−0.060, +0.010]");
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

//! What became of every gain of a search.

use serde::{Deserialize, Serialize};

use super::{Confirmation, Measure, Outcome, Rung, Trial};
use crate::tune::words::Verb;

/// The account of a search: for each gain, what is known of it at the end.
///
/// It is what a claim that no gain of the families is worth using rests on: how many gains were
/// seen not to be, and which ones the budget left undecided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Every gain, by candidate number.
    pub gains: Vec<Reckoned>,
    /// The account in words.
    pub sentence: String,
}

/// A gain and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reckoned {
    /// The candidate number.
    pub candidate: usize,
    /// The gain as an expression.
    pub gain: String,
    /// Samples of the rung that it was last seen in.
    pub samples: usize,
    /// Where it stood there.
    pub fate: Fate,
    /// What fresh samples say, if it was a finalist.
    pub fresh: Option<Outcome>,
}

/// Where a gain stood in the last rung that it was seen in, by the 95 % intervals of that rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Not detectably better than no gain in the second objective.
    NotBetter,
    /// Detectably better in the second objective and detectably worse in the first.
    Costly,
    /// Detectably better in the second objective and not detectably worse in the first: unless it
    /// was a finalist, the budget leaves it undecided.
    Open,
}

impl Fate {
    fn of([kept, improved]: &[Measure; 2]) -> Self {
        match (improved.is_better(), kept.is_worse()) {
            (false, _) => Self::NotBetter,
            (true, true) => Self::Costly,
            (true, false) => Self::Open,
        }
    }
}

impl Account {
    /// The account of a search with these rungs and this confirmation.
    pub(in crate::tune) fn of(rungs: &[Rung], confirmation: Option<&Confirmation>) -> Self {
        let finalists = confirmation.map_or(&[][..], |found| &found.finalists);
        let reckoned = |samples: usize, trial: &Trial| Reckoned {
            candidate: trial.candidate,
            gain: trial.gain.clone(),
            samples,
            fate: Fate::of(&trial.objectives),
            fresh: finalists
                .iter()
                .find(|finalist| finalist.candidate == trial.candidate)
                .map(|finalist| finalist.outcome),
        };
        let mut gains: Vec<Reckoned> = Vec::new();
        for (rung, next) in rungs.iter().zip(rungs.iter().skip(1).map(Some).chain([None])) {
            let goes_on = |trial: &Trial| {
                let mut later = next.into_iter().flat_map(|next| &next.gains);
                later.any(|again| again.candidate == trial.candidate)
            };
            let left = rung.gains.iter().filter(|trial| !goes_on(trial));
            gains.extend(left.map(|trial| reckoned(rung.samples, trial)));
        }
        gains.sort_by_key(|gain| gain.candidate);
        let mut account = Self { gains, sentence: String::new() };
        if let Some(rung) = rungs.first() {
            account.sentence = account.in_words(&rung.baseline, confirmation);
        }
        account
    }

    /// The gains of a fate that were no finalists.
    pub fn left(&self, fate: Fate) -> impl Iterator<Item = &Reckoned> {
        self.gains.iter().filter(move |gain| gain.fresh.is_none() && gain.fate == fate)
    }

    /// The number of finalists with an outcome.
    #[must_use]
    pub fn finalists(&self, outcome: Outcome) -> usize {
        self.gains.iter().filter(|gain| gain.fresh == Some(outcome)).count()
    }

    fn in_words(
        &self,
        [kept, improved]: &[Measure; 2],
        confirmation: Option<&Confirmation>,
    ) -> String {
        let verb = Verb::of(improved.better);
        let nothing = format!("{} detectably", improved.name);
        let cost = format!("it at a detectable cost in {}", kept.name);
        let clauses = |counts: [(usize, bool, &str); 3]| {
            let told = counts.into_iter().filter(|&(count, ..)| count > 0);
            told.map(|(count, does, rest)| verb.clause(count, does, rest)).collect::<Vec<_>>()
        };
        let left = |fate| self.left(fate).count();
        let search = clauses([
            (left(Fate::NotBetter), false, &format!("{nothing} on the samples they got")),
            (left(Fate::Costly), true, &cost),
            (left(Fate::Open), true, "it at no detected cost (left undecided)"),
        ]);
        let fresh = clauses([
            (self.finalists(Outcome::NotConfirmed), false, &nothing),
            (self.finalists(Outcome::Trades), true, &cost),
            (self.finalists(Outcome::Confirmed), true, "it at no detectable cost"),
        ]);
        let of = |total: String, clauses: Vec<String>| {
            (!clauses.is_empty()).then(|| format!("of {total}, {}", clauses.join(", ")))
        };
        let samples = confirmation.map_or(0, |confirmation| confirmation.samples);
        let finalists = self.gains.iter().filter(|gain| gain.fresh.is_some()).count();
        let parts = [
            of(format!("{} gains", self.gains.len()), search),
            of(format!("{finalists} met on {samples} fresh samples"), fresh),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::results::Direction;
    use crate::tune::tests::{confirmation, rung};

    #[test]
    fn every_gain_is_counted_once_where_it_was_last_seen() {
        // Costly in the first rung, 0 and 2 go on: there 0 is open and 2 not better.
        let first = rung(32, &[(0, 0.3, -0.3), (1, 0.3, -0.3), (2, 0.3, -0.3), (3, 0.0, 0.0)]);
        let last = rung(64, &[(0, 0.0, -0.3), (2, 0.0, -0.02)]);
        let account = Account::of(&[first, last], None);
        let fates: Vec<_> =
            account.gains.iter().map(|gain| (gain.candidate, gain.samples, gain.fate)).collect();
        assert_eq!(
            fates,
            [
                (0, 64, Fate::Open),
                (1, 32, Fate::Costly),
                (2, 64, Fate::NotBetter),
                (3, 32, Fate::NotBetter)
            ]
        );
        assert_eq!(
            account.sentence,
            "of 4 gains, 2 do not lower F_mem detectably on the samples they got, 1 lowers it at a \
             detectable cost in Fréchet distance, 1 lowers it at no detected cost (left \
             undecided)"
        );
    }

    #[test]
    fn finalists_count_by_what_fresh_samples_say() {
        let rungs = [rung(64, &[(0, 0.0, -0.3), (1, 0.0, -0.02), (2, 0.0, 0.1)])];
        let found = confirmation(&[(0, 0.3, -0.3), (1, 0.0, 0.0)]);
        let account = Account::of(&rungs, Some(&found));
        assert_eq!(account.finalists(Outcome::Trades), 1);
        assert_eq!(account.finalists(Outcome::NotConfirmed), 1);
        assert_eq!(account.left(Fate::Open).count(), 0);
        assert_eq!(account.gains[0].fate, Fate::Open, "the search said so");
        assert_eq!(
            account.sentence,
            "of 3 gains, 1 does not lower F_mem detectably on the samples they got; of 2 met on \
             512 fresh samples, 1 does not lower F_mem detectably, 1 lowers it at a detectable \
             cost in Fréchet distance"
        );
    }

    #[test]
    fn the_verb_follows_the_aim() {
        let mut rung = rung(64, &[(0, 0.0, 0.0)]);
        rung.baseline[1].better = Direction::Higher;
        let sentence = Account::of(&[rung], None).sentence;
        assert_eq!(
            sentence,
            "of 1 gains, 1 does not raise F_mem detectably on the samples they got"
        );
    }
}

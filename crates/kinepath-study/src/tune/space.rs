//! The gains a search draws from.

use kinepath::gain::GainParseError;
use kinepath::plan::PlanError;
use serde::{Deserialize, Serialize};

use super::settings::MOST_CANDIDATES;
use crate::StudyError;

/// Gains that every search tries first: the defaults of arXiv 2602.07928, its launch alone and its
/// landing alone (its Table 1 scale).
pub(super) const PUBLISHED: [&str; 3] =
    ["kts:alpha=0.01,beta=0.01", "kts:alpha=0.02,beta=0", "kts:alpha=0,beta=0.02"];

/// The word for governed gains.
pub(super) const GOVERNED: &str = "governed";

/// Draws per wanted gain after which the bounds count as unusable.
const DRAWS_PER_GAIN: usize = 64;
/// Drawn strengths are multiples of this: finer steps change no figure, and make long names.
const STRENGTH_STEP: f64 = 1e-4;
/// Drawn splits and powers are multiples of this.
const SHAPE_STEP: f64 = 1e-2;

/// A family of gains and the bounds of its parameters, each `[least, largest]`.
///
/// Another family is an arm here and in the four methods below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Family {
    /// Kinetic trajectory shaping: [`Kts`](kinepath::gain::Kts).
    Kts {
        /// Launch strength α₀.
        alpha: [f64; 2],
        /// Landing strength β₀.
        beta: [f64; 2],
        /// The split τ.
        split: [f64; 2],
        /// Shapes of the launch to choose from: `linear`, `constant`, `exponential`.
        launch: Vec<String>,
        /// Shapes of the landing to choose from.
        landing: Vec<String>,
    },
    /// `1 + α (1 − t)^p`: [`Gain::Ssc`](kinepath::gain::Gain::Ssc).
    Ssc {
        /// Strength α.
        alpha: [f64; 2],
        /// Power p.
        power: [f64; 2],
    },
    /// Damping of samples faster than the baseline's: [`Governed`](kinepath::gain::Governed).
    Governed {
        /// The quantile of the baseline's speeds from which on a sample is damped.
        quantile: [f64; 2],
        /// How hard.
        strength: [f64; 2],
        /// The time τ from which samples are governed.
        split: [f64; 2],
    },
}

impl Family {
    /// The word for it in gain expressions.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Kts { .. } => "kts",
            Self::Ssc { .. } => "ssc",
            Self::Governed { .. } => GOVERNED,
        }
    }

    /// Number of parameters, the dimension of its Sobol sequence.
    fn dimensions(&self) -> usize {
        match self {
            Self::Kts { .. } => 5,
            Self::Ssc { .. } => 2,
            Self::Governed { .. } => 3,
        }
    }

    /// The gain at a point of the unit cube, as an expression.
    fn gain(&self, at: impl Fn(usize) -> f64) -> String {
        match self {
            Self::Kts { alpha, beta, split, launch, landing } => format!(
                "kts:alpha={},beta={},split={},launch={},landing={}",
                within(*alpha, at(0), STRENGTH_STEP),
                within(*beta, at(1), STRENGTH_STEP),
                within(*split, at(2), SHAPE_STEP),
                one_of(launch, at(3)),
                one_of(landing, at(4)),
            ),
            Self::Ssc { alpha, power } => format!(
                "ssc:alpha={},power={}",
                within(*alpha, at(0), STRENGTH_STEP),
                within(*power, at(1), SHAPE_STEP),
            ),
            Self::Governed { quantile, strength, split } => format!(
                "{GOVERNED}:quantile={},strength={},split={}",
                within(*quantile, at(0), SHAPE_STEP),
                within(*strength, at(1), SHAPE_STEP),
                within(*split, at(2), SHAPE_STEP),
            ),
        }
    }

    /// Refuses bounds that enclose nothing and lists without a choice.
    pub(super) fn check(&self) -> Result<(), StudyError> {
        type Bounds<'a> = (&'static str, &'a [f64; 2]);
        type Choices<'a> = (&'static str, &'a [String]);
        let (bounds, choices): (Vec<Bounds<'_>>, Vec<Choices<'_>>) = match self {
            Self::Kts { alpha, beta, split, launch, landing } => (
                vec![("alpha", alpha), ("beta", beta), ("split", split)],
                vec![("launch", launch), ("landing", landing)],
            ),
            Self::Ssc { alpha, power } => (vec![("alpha", alpha), ("power", power)], Vec::new()),
            Self::Governed { quantile, strength, split } => {
                (vec![("quantile", quantile), ("strength", strength), ("split", split)], Vec::new())
            }
        };
        let spec = |key: &str, text: String, reason: &str| {
            Err(StudyError::Spec {
                what: "family",
                text: self.name().to_owned(),
                reason: format!("{key} = {text}, {reason}"),
            })
        };
        for (key, &[low, high]) in bounds {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                let text = format!("[{low}, {high}]");
                return spec(key, text, "expected two numbers, the smaller first");
            }
        }
        if let Self::Governed { quantile: [low, high], strength: [least, _], .. } = self {
            // Their gains cannot be tried on the grid before the baseline is sampled.
            if *low < 0.0 || *high > 1.0 {
                return spec(
                    "quantile",
                    format!("[{low}, {high}]"),
                    "expected shares within 0 and 1",
                );
            }
            if *least < 0.0 {
                return spec("strength", format!("{least}"), "expected nothing below 0");
            }
        }
        match choices.iter().find(|(_, list)| list.is_empty()) {
            Some((key, _)) => spec(key, "[]".to_owned(), "expected at least one shape"),
            None => Ok(()),
        }
    }
}

/// The number at `u ∈ [0, 1)` of the way between the bounds, on a multiple of `step` where one
/// lies within them.
fn within([low, high]: [f64; 2], u: f64, step: f64) -> f64 {
    let per_unit = 1.0 / step;
    let value = low + u * (high - low);
    ((value * per_unit).round() / per_unit).clamp(low, high)
}

fn one_of(list: &[String], u: f64) -> &str {
    &list[((u * list.len() as f64) as usize).min(list.len() - 1)]
}

/// The first `count` gains of a search, all different: the published ones, then draws.
///
/// Each family has a Sobol sequence of its own, Owen-scrambled by the seed (Burley 2020, "Practical
/// hash-based Owen scrambling"); draws are shared among families in proportion to their numbers of
/// parameters. More gains begin with the fewer ones. `admit` compiles a gain for the time grid: a
/// gain that the grid refuses is drawn anew.
///
/// # Errors
/// [`StudyError::Spec`] for a family whose bounds hold too few admissible gains, and what `admit`
/// says of anything but a refused gain.
pub(super) fn candidates(
    families: &[Family],
    count: usize,
    seed: u64,
    admit: impl Fn(&str) -> Result<(), StudyError>,
) -> Result<Vec<String>, StudyError> {
    let mut gains = Vec::with_capacity(count);
    for gain in PUBLISHED.into_iter().take(count) {
        admit(gain)?;
        gains.push(gain.to_owned());
    }
    let mut draws = vec![Draws::default(); families.len()];
    let most = (DRAWS_PER_GAIN * count).min(MOST_CANDIDATES);
    while gains.len() < count {
        // The family that is furthest behind its share, the first where they are level.
        let share = |f: usize| (draws[f].taken + 1) as f64 / families[f].dimensions() as f64;
        let Some(f) = (0..families.len()).min_by(|&a, &b| share(a).total_cmp(&share(b))) else {
            break;
        };
        let (family, draws) = (&families[f], &mut draws[f]);
        if draws.made == most {
            return Err(draws.exhausted(family));
        }
        let scramble = scramble(seed, f);
        let gain = family.gain(|dimension| {
            f64::from(sobol_burley::sample(draws.made as u32, dimension as u32, scramble))
        });
        draws.made += 1;
        if gains.contains(&gain) {
            continue;
        }
        match admit(&gain) {
            Ok(()) => {
                draws.taken += 1;
                gains.push(gain);
            }
            // Its ceiling comes from the baseline, which is not sampled yet.
            Err(StudyError::Gain(GainParseError::NoCeiling)) => {
                draws.taken += 1;
                gains.push(gain);
            }
            Err(StudyError::Plan(PlanError::Gain(refusal))) => {
                draws.refusal = Some(refusal.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(gains)
}

/// How far the sequence of a family has come.
#[derive(Debug, Clone, Default)]
struct Draws {
    made: usize,
    taken: usize,
    /// Why the last refused draw was refused.
    refusal: Option<String>,
}

impl Draws {
    fn exhausted(&self, family: &Family) -> StudyError {
        let reason = match &self.refusal {
            Some(refusal) => format!("the last draw was refused because {refusal}"),
            None => "the others were repetitions".to_owned(),
        };
        StudyError::Spec {
            what: "family",
            text: family.name().to_owned(),
            reason: format!(
                "only {} of {} draws within its bounds are new admissible gains; {reason}",
                self.taken, self.made
            ),
        }
    }
}

/// The scramble of a family's sequence; `sobol_burley` hashes it, so neighbours are unrelated.
fn scramble(seed: u64, family: usize) -> u32 {
    ((seed ^ (seed >> 32)) as u32).wrapping_add(family as u32)
}

#[cfg(test)]
mod tests;

//! Time grids: the increasing times at which a solver stops.

mod family;

pub use family::{GRID_FORMS, GridFamily};
use serde::{Deserialize, Serialize};

/// The most steps of a grid, and of a schedule of noise levels: beyond it a number is a mistake, and
/// would take the memory of one.
pub const MOST_STEPS: usize = 1_000_000;

/// Increasing times `t_0 < t_1 < … < t_n` in `[0, 1]`; n is the number of steps.
///
/// Nodes come from `i/n`, never from a running sum, so the last node of a full grid is exactly 1.
///
/// ```
/// use kinepath::grid::Grid;
///
/// let grid = Grid::uniform(4)?;
/// assert_eq!(grid.nodes(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// # Ok::<(), kinepath::grid::GridError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Grid {
    nodes: Vec<f64>,
}

impl Grid {
    /// `t_i = i/n`.
    ///
    /// # Errors
    /// [`GridError::NoSteps`] if `n = 0`, [`GridError::TooMany`] beyond [`MOST_STEPS`].
    pub fn uniform(n: usize) -> Result<Self, GridError> {
        Self::warped(n, |u| u)
    }

    /// `t_i = ½(1 − cos(π i/n))`: dense at both ends.
    ///
    /// # Errors
    /// [`GridError::NoSteps`] if `n = 0`, [`GridError::TooMany`] beyond [`MOST_STEPS`].
    pub fn cosine(n: usize) -> Result<Self, GridError> {
        Self::warped(n, |u| 0.5 * (1.0 - (std::f64::consts::PI * u).cos()))
    }

    /// The timestep shift of Stable Diffusion 3 (Esser et al., arXiv 2403.03206, eq. 23):
    /// `σ' = sσ/(1 + (s − 1)σ)` with `σ = 1 − i/n` and `t = 1 − σ'`. `s = 1` is the uniform grid;
    /// `s > 1` spends more steps near the noise. diffusers does the same to σ that are given to it;
    /// what it does without is [`GridFamily::Diffusers`].
    ///
    /// # Errors
    /// As [`uniform`](Self::uniform), and [`GridError::Shift`] unless `s` is positive and finite.
    pub fn shifted(n: usize, shift: f64) -> Result<Self, GridError> {
        if !(shift.is_finite() && shift > 0.0) {
            return Err(GridError::Shift { shift });
        }
        // 1 − σ' simplified: no cancellation, and exact at both ends.
        Self::warped(n, |u| u / (u + shift * (1.0 - u)))
    }

    /// The given times.
    ///
    /// # Errors
    /// [`GridError`] unless there are at least two, each in `[0, 1]` and above the one before.
    pub fn explicit(nodes: Vec<f64>) -> Result<Self, GridError> {
        check_steps(nodes.len().saturating_sub(1), nodes.len())?;
        for (index, &t) in nodes.iter().enumerate() {
            if !(0.0..=1.0).contains(&t) {
                return Err(GridError::Outside { index, t });
            }
            if index > 0 && t <= nodes[index - 1] {
                return Err(GridError::NotIncreasing { index, previous: nodes[index - 1], t });
            }
        }
        Ok(Self { nodes })
    }

    /// The times `1 − σ` of falling noise levels σ, as diffusers writes schedules of flow models; a
    /// last level of 0 is added where it is missing, as there.
    ///
    /// # Errors
    /// [`GridError::Rising`] unless the levels fall; else as [`explicit`](Self::explicit).
    pub fn from_sigmas(sigmas: &[f64]) -> Result<Self, GridError> {
        if let Some(index) = sigmas.windows(2).position(|pair| pair[1] >= pair[0]) {
            let (sigma, before) = (sigmas[index + 1], sigmas[index]);
            return Err(GridError::Rising { index: index + 1, sigma, before });
        }
        let mut nodes: Vec<f64> = sigmas.iter().map(|sigma| 1.0 - sigma).collect();
        if nodes.last().is_some_and(|&last| last != 1.0) {
            nodes.push(1.0);
        }
        Self::explicit(nodes)
    }

    /// This grid squeezed affinely onto `[start, end]`.
    ///
    /// # Errors
    /// [`GridError::Interval`] unless `0 ≤ start < end ≤ 1`.
    pub fn within(&self, start: f64, end: f64) -> Result<Self, GridError> {
        if !(0.0 <= start && start < end && end <= 1.0) {
            return Err(GridError::Interval { start, end });
        }
        let (first, last) = (self.start(), self.end());
        let place = |&t: &f64| {
            let u = (t - first) / (last - first);
            start * (1.0 - u) + end * u
        };
        Self::explicit(self.nodes.iter().map(place).collect())
    }

    /// The nodes `t_0 … t_n`.
    pub fn nodes(&self) -> &[f64] {
        &self.nodes
    }

    /// The number of steps n, one less than the number of nodes.
    pub fn steps(&self) -> usize {
        self.nodes.len() - 1
    }

    /// The first node.
    pub fn start(&self) -> f64 {
        self.nodes[0]
    }

    /// The last node.
    pub fn end(&self) -> f64 {
        self.nodes[self.nodes.len() - 1]
    }

    fn warped(n: usize, warp: impl Fn(f64) -> f64) -> Result<Self, GridError> {
        check_steps(n, 0)?;
        let node = |i: usize| match i {
            0 => 0.0,
            i if i == n => 1.0,
            i => warp(i as f64 / n as f64),
        };
        Self::explicit((0..=n).map(node).collect())
    }
}

/// Refuses a number of steps that no grid has; `nodes` are those that were given.
fn check_steps(steps: usize, nodes: usize) -> Result<(), GridError> {
    match steps {
        0 => Err(GridError::NoSteps { nodes }),
        1..=MOST_STEPS => Ok(()),
        _ => Err(GridError::TooMany { steps }),
    }
}

impl TryFrom<Vec<f64>> for Grid {
    type Error = GridError;

    fn try_from(nodes: Vec<f64>) -> Result<Self, GridError> {
        Self::explicit(nodes)
    }
}

impl From<Grid> for Vec<f64> {
    fn from(grid: Grid) -> Self {
        grid.nodes
    }
}

/// Why a time grid was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridError {
    /// A grid without a step.
    #[error("a time grid needs at least one step, that is two nodes; got {nodes} nodes")]
    NoSteps {
        /// How many nodes there were.
        nodes: usize,
    },
    /// More steps than [`MOST_STEPS`].
    #[error("a time grid has at most {MOST_STEPS} steps, got {steps}")]
    TooMany {
        /// How many steps there would be.
        steps: usize,
    },
    /// A shift that is not a positive number.
    #[error("the grid shift must be positive and finite, got {shift}")]
    Shift {
        /// The shift given.
        shift: f64,
    },
    /// A least noise level that is none.
    #[error("the least noise level must lie between 0 and 1, got {sigma}")]
    Least {
        /// The level given.
        sigma: f64,
    },
    /// Noise levels that do not fall.
    #[error(
        "noise level {index} is {sigma} after {before}: levels σ = 1 − t fall from noise to data"
    )]
    Rising {
        /// Which level.
        index: usize,
        /// Its value.
        sigma: f64,
        /// The level before it.
        before: f64,
    },
    /// A family that is not known, or not so.
    #[error("grid `{text}` cannot be used: {reason}")]
    Family {
        /// The family, as written.
        text: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A node that is no time.
    #[error("node {index} of the time grid is {t}, outside [0, 1]")]
    Outside {
        /// Which node.
        index: usize,
        /// Its value.
        t: f64,
    },
    /// Two neighbouring nodes out of order.
    #[error("the time grid must increase, but node {index} is {t} after {previous}")]
    NotIncreasing {
        /// Which node.
        index: usize,
        /// The node before it.
        previous: f64,
        /// Its value.
        t: f64,
    },
    /// An interval that is none.
    #[error("a path must run between times 0 ≤ start < end ≤ 1, got start {start} and end {end}")]
    Interval {
        /// Where it would start.
        start: f64,
        /// Where it would end.
        end: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shift_agrees_with_the_sigma_formula() {
        let grid = Grid::shifted(28, 3.0).unwrap();
        for (i, &t) in grid.nodes().iter().enumerate() {
            let sigma = 1.0 - i as f64 / 28.0;
            let shifted = 3.0 * sigma / (1.0 + 2.0 * sigma);
            assert!((t - (1.0 - shifted)).abs() < 1e-15);
        }
        // The case every user of shift 3 and 28 steps meets: most nodes lie in the launch phase.
        assert_eq!(grid.nodes()[..28].iter().filter(|&&t| t < 0.6).count(), 23);
    }

    #[test]
    fn bad_grids_are_refused() {
        assert_eq!(Grid::uniform(0), Err(GridError::NoSteps { nodes: 0 }));
        assert_eq!(Grid::cosine(usize::MAX), Err(GridError::TooMany { steps: usize::MAX }));
        assert_eq!(Grid::explicit(vec![0.5]), Err(GridError::NoSteps { nodes: 1 }));
        assert_eq!(Grid::shifted(3, -1.0), Err(GridError::Shift { shift: -1.0 }));
        assert!(matches!(
            Grid::explicit(vec![0.0, f64::NAN]),
            Err(GridError::Outside { index: 1, .. })
        ));
        assert_eq!(
            Grid::explicit(vec![0.0, 0.5, 0.5]),
            Err(GridError::NotIncreasing { index: 2, previous: 0.5, t: 0.5 })
        );
        assert!(Grid::uniform(2).unwrap().within(0.5, 0.5).is_err());
    }

    proptest! {
        #[test]
        fn every_family_spans_the_interval(n in 1usize..300, shift in 0.05f64..20.0) {
            for grid in [Grid::uniform(n), Grid::cosine(n), Grid::shifted(n, shift)] {
                let grid = grid.unwrap();
                prop_assert_eq!((grid.start(), grid.end(), grid.steps()), (0.0, 1.0, n));
                let inner = grid.within(0.1, 0.9).unwrap();
                prop_assert_eq!((inner.start(), inner.end(), inner.steps()), (0.1, 0.9, n));
            }
        }
    }
}

//! How the energy of a path is summed over its steps.

use std::fmt;
use std::str::FromStr;

/// How the energy integral is approximated.
///
/// Its text form, which [`FromStr`] reads and [`Display`](fmt::Display) writes, is `solver` or `left`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quadrature {
    /// `½ h Σ_j b_j ‖k_j‖²`: the method's own weights, so the energy has the method's order.
    #[default]
    Solver,
    /// `½ h ‖k_1‖²`: first order; what the paper's scripts use for every method.
    Left,
}

/// A word that is no quadrature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no quadrature: use solver or left")]
pub struct ParseQuadratureError(
    /// What was given.
    pub String,
);

impl fmt::Display for Quadrature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Solver => "solver",
            Self::Left => "left",
        })
    }
}

impl FromStr for Quadrature {
    type Err = ParseQuadratureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Solver, Self::Left];
        let found = known.into_iter().find(|quadrature| quadrature.to_string() == text);
        found.ok_or_else(|| ParseQuadratureError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for quadrature in [Quadrature::Solver, Quadrature::Left] {
            assert_eq!(quadrature.to_string().parse(), Ok(quadrature));
        }
        let error = "right".parse::<Quadrature>().unwrap_err().to_string();
        assert!(error.contains("`right`") && error.contains("solver or left"), "{error}");
    }
}

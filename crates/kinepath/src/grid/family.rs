//! Time grids by name.

use std::str::FromStr;

use statrs::distribution::{Beta, ContinuousCDF};

use super::{Grid, GridError, check_steps};
use crate::keys::KeyValues;

/// ρ of Karras et al., arXiv 2206.00364, eq. 5.
const KARRAS_EXPONENT: f64 = 7.0;
/// Both parameters of the beta schedule, arXiv 2407.12173.
const BETA_PARAMETER: f64 = 0.6;
/// Steps that flow models of diffusers are trained on, which end at σ = 1/1000.
const TRAINED_STEPS: f64 = 1000.0;

/// A family of time grids, of any number of steps; `σ = 1 − t` where it is spoken of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GridFamily {
    /// [`Grid::uniform`].
    Uniform,
    /// [`Grid::cosine`].
    Cosine,
    /// [`Grid::shifted`] by this shift.
    Shifted(f64),
    /// The schedule that `FlowMatchEulerDiscreteScheduler(shift=…)` of diffusers makes of a number of
    /// steps n: σ evenly from 1 to the least level trained on, itself shifted, then shifted, then 0.
    Diffusers(f64),
    /// From σ = 1 to this least level in n steps and then to 0, `σ^{1/7}` evenly spaced (Karras et
    /// al.).
    Karras(f64),
    /// The same with `log σ` evenly spaced.
    Exponential(f64),
    /// The same with σ at the quantiles of the beta distribution B(0.6, 0.6), dense at both ends.
    Beta(f64),
}

/// What [`GridFamily`] reads, for help and error messages.
pub const GRID_FORMS: &str = "uniform, cosine, shift:S, dynamic-shift:LENGTH, diffusers:S, \
                              karras:SIGMA, exponential:SIGMA or beta:SIGMA";

/// The names of the families.
const NAMES: [&str; 8] =
    ["uniform", "cosine", "shift", "dynamic-shift", "diffusers", "karras", "exponential", "beta"];

impl GridFamily {
    /// Whether `text` begins with the name of a family, and so is no file's name.
    #[must_use]
    pub fn is_named_in(text: &str) -> bool {
        NAMES.contains(&text.split([':', ',']).next().unwrap_or_default())
    }

    /// The grid of `n` steps.
    ///
    /// # Errors
    /// [`GridError`] as [`Grid::uniform`]; [`GridError::Shift`] and [`GridError::Least`].
    pub fn grid(self, n: usize) -> Result<Grid, GridError> {
        match self {
            Self::Uniform => Grid::uniform(n),
            Self::Cosine => Grid::cosine(n),
            Self::Shifted(shift) => Grid::shifted(n, shift),
            Self::Diffusers(shift) => {
                let whole = Grid::shifted(1, shift)?;
                let shifted = |sigma: f64| shift * sigma / (1.0 + (shift - 1.0) * sigma);
                let least = shifted(1.0 / TRAINED_STEPS);
                // One step needs no more than its ends.
                if n == 1 { Ok(whole) } else { down_to(n, least, |u| shifted(line(u, least))) }
            }
            Self::Karras(least) => {
                let root = least.powf(1.0 / KARRAS_EXPONENT);
                down_to(n, least, |u| line(u, root).powf(KARRAS_EXPONENT))
            }
            Self::Exponential(least) => down_to(n, least, |u| least.powf(u)),
            Self::Beta(least) => {
                let beta = Beta::new(BETA_PARAMETER, BETA_PARAMETER);
                let beta = beta.map_err(|_| GridError::Least { sigma: least })?;
                down_to(n, least, |u| line(1.0 - beta.inverse_cdf(1.0 - u), least))
            }
        }
    }
}

/// From 1 to `end` as u goes from 0 to 1.
fn line(u: f64, end: f64) -> f64 {
    1.0 - u + u * end
}

/// The grid of n evaluations at σ = `level(u)`, u evenly from 0 to 1, and the end σ = 0.
fn down_to(n: usize, least: f64, level: impl Fn(f64) -> f64) -> Result<Grid, GridError> {
    if !(least > 0.0 && least < 1.0) {
        return Err(GridError::Least { sigma: least });
    }
    check_steps(n, 0)?;
    let level = |i| match i {
        0 => 1.0,
        i => level(i as f64 / (n - 1) as f64),
    };
    Grid::from_sigmas(&(0..n).map(level).collect::<Vec<f64>>())
}

impl FromStr for GridFamily {
    type Err = GridError;

    /// `uniform`, `cosine`, `shift:S`, `diffusers:S`, `karras:SIGMA`, `exponential:SIGMA`,
    /// `beta:SIGMA` or `dynamic-shift:LENGTH`, the last with keys.
    ///
    /// A dynamic shift is FLUX's: μ is linear in the length of the image sequence, from `base=0.5`
    /// at `base-length=256` to `max=1.15` at `max-length=4096`, and the shift is `e^μ`, or μ itself
    /// with `type=linear`.
    fn from_str(text: &str) -> Result<Self, GridError> {
        let refuse = |reason: String| GridError::Family { text: text.to_owned(), reason };
        let mut parts = text.split(',');
        let head = parts.next().unwrap_or_default();
        let mut keys = KeyValues::read(parts).map_err(refuse)?;
        let (name, argument) = head.split_once(':').unwrap_or((head, ""));
        let number = |example: &str| {
            let number = argument.parse::<f64>().ok().filter(|number| number.is_finite());
            number.ok_or_else(|| refuse(format!("{name}: needs a number, such as {example}")))
        };
        let family = match name {
            "uniform" if argument.is_empty() => Self::Uniform,
            "cosine" if argument.is_empty() => Self::Cosine,
            "shift" => Self::Shifted(number("shift:3")?),
            "diffusers" => Self::Diffusers(number("diffusers:3")?),
            "karras" => Self::Karras(number("karras:0.01")?),
            "exponential" => Self::Exponential(number("exponential:0.01")?),
            "beta" => Self::Beta(number("beta:0.01")?),
            "dynamic-shift" => {
                let length = number("dynamic-shift:4096")?;
                Self::Shifted(dynamic_shift(length, &mut keys).map_err(refuse)?)
            }
            _ => return Err(refuse(format!("use {GRID_FORMS}"))),
        };
        keys.finish().map_err(refuse)?;
        Ok(family)
    }
}

fn dynamic_shift(length: f64, keys: &mut KeyValues<'_>) -> Result<f64, String> {
    let (base, max): (f64, f64) = (keys.number("base", 0.5)?, keys.number("max", 1.15)?);
    let from: f64 = keys.number("base-length", 256.0)?;
    let to: f64 = keys.number("max-length", 4096.0)?;
    if !(length > 0.0 && from < to) {
        return Err(format!(
            "needs a length above 0 and base-length below max-length, got {length}, {from} and {to}"
        ));
    }
    let mu = base + (length - from) / (to - from) * (max - base);
    match keys.take("type") {
        None | Some("exponential") => Ok(mu.exp()),
        Some("linear") => Ok(mu),
        Some(other) => Err(format!("`type={other}`: use exponential or linear")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        let grid = text.parse::<GridFamily>().and_then(|family| family.grid(10));
        grid.unwrap_err().to_string()
    }

    #[test]
    fn unusable_grids_say_what_would_be_right() {
        for (text, part) in [
            ("zigzag", "dynamic-shift:LENGTH"),
            ("uniform:3", "use uniform"),
            ("shift", "such as shift:3"),
            ("shift:x", "such as shift:3"),
            ("shift:-1", "must be positive"),
            ("diffusers:0", "must be positive"),
            ("karras:0", "between 0 and 1"),
            ("exponential:1", "between 0 and 1"),
            ("beta:2", "between 0 and 1"),
            ("beta:nan", "such as beta:0.01"),
            ("dynamic-shift:", "such as dynamic-shift:4096"),
            ("dynamic-shift:0", "above 0"),
            ("dynamic-shift:64,max-length=256", "below max-length"),
            ("dynamic-shift:64,type=cubic", "exponential or linear"),
            ("dynamic-shift:64,type=linear,base=-9", "must be positive"),
            ("dynamic-shift:64,mu=1", "no key `mu`"),
            ("uniform,base=1", "no key `base`"),
        ] {
            let error = refused(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        assert_eq!(GridFamily::Karras(0.1).grid(0), Err(GridError::NoSteps { nodes: 0 }));
        let endless = GridFamily::Beta(0.1).grid(usize::MAX);
        assert_eq!(endless, Err(GridError::TooMany { steps: usize::MAX }));
    }

    proptest! {
        #[test]
        fn families_evaluate_at_their_least_level_last(
            n in 2usize..200, shift in 0.3f64..8.0, least in 1e-4f64..0.2
        ) {
            let families = [
                GridFamily::Karras(least), GridFamily::Exponential(least), GridFamily::Beta(least),
            ];
            for family in families {
                let grid = family.grid(n).unwrap();
                prop_assert_eq!((grid.start(), grid.end(), grid.steps()), (0.0, 1.0, n));
                prop_assert!((1.0 - grid.nodes()[n - 1] - least).abs() < 1e-12);
            }
            let grid = GridFamily::Diffusers(shift).grid(n).unwrap();
            prop_assert_eq!((grid.start(), grid.end(), grid.steps()), (0.0, 1.0, n));
        }
    }
}

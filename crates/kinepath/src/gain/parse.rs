//! The text form of a gain: `unit`, `kts:alpha=0.01,beta=0.01`, `ssc:alpha=0.1,power=2`,
//! `table:0=1.1,0.5=1`.

use std::fmt;
use std::str::FromStr;

use super::{Gain, GainError, Kts, Shape};

/// Why a gain expression could not be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GainParseError {
    /// The word before the colon is no family of gains.
    #[error(
        "unknown gain `{0}`; use unit, kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K], \
         ssc:alpha=A,power=P or table:T=ETA,T=ETA,…"
    )]
    Family(String),
    /// A key that this family does not have.
    #[error("gain {family} has no parameter `{key}`; it has {known}")]
    Key {
        /// The family of gains.
        family: &'static str,
        /// The key given.
        key: String,
        /// The keys it has.
        known: &'static str,
    },
    /// A key given twice.
    #[error("the gain's parameter `{0}` is given twice")]
    Repeated(String),
    /// A key that is needed and absent.
    #[error("gain {family} needs `{key}=`")]
    Missing {
        /// The family of gains.
        family: &'static str,
        /// The key it needs.
        key: &'static str,
    },
    /// A table whose points cannot be used.
    #[error(transparent)]
    Table(#[from] GainError),
    /// A value that cannot be read.
    #[error("the gain's parameter `{key}` is `{value}`, expected {expected}")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl FromStr for Gain {
    type Err = GainParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (family, parameters) = text.split_once(':').unwrap_or((text, ""));
        match family {
            "unit" if parameters.is_empty() => Ok(Self::Unit),
            "kts" => parse_kts(parameters),
            "ssc" => parse_ssc(parameters),
            "table" => parse_table(parameters),
            _ => Err(GainParseError::Family(text.to_owned())),
        }
    }
}

fn parse_kts(parameters: &str) -> Result<Gain, GainParseError> {
    const KNOWN: &str = "alpha, beta, split, launch, landing and rate";
    let mut kts = Kts::default();
    for_each_pair(parameters, |key, value| {
        match key {
            "alpha" => kts.alpha = number(key, value)?,
            "beta" => kts.beta = number(key, value)?,
            "split" => kts.split = number(key, value)?,
            "rate" => kts.rate = number(key, value)?,
            "launch" => kts.launch = shape(key, value)?,
            "landing" => kts.landing = shape(key, value)?,
            _ => {
                return Err(GainParseError::Key {
                    family: "kts",
                    key: key.to_owned(),
                    known: KNOWN,
                });
            }
        }
        Ok(())
    })?;
    Ok(Gain::Kts(kts))
}

fn parse_ssc(parameters: &str) -> Result<Gain, GainParseError> {
    let (mut alpha, mut power) = (None, None);
    for_each_pair(parameters, |key, value| {
        match key {
            "alpha" => alpha = Some(number(key, value)?),
            "power" => power = Some(number(key, value)?),
            _ => {
                return Err(GainParseError::Key {
                    family: "ssc",
                    key: key.to_owned(),
                    known: "alpha and power",
                });
            }
        }
        Ok(())
    })?;
    let missing = |key| GainParseError::Missing { family: "ssc", key };
    Ok(Gain::Ssc {
        alpha: alpha.ok_or_else(|| missing("alpha"))?,
        power: power.ok_or_else(|| missing("power"))?,
    })
}

fn parse_table(parameters: &str) -> Result<Gain, GainParseError> {
    let mut points = Vec::new();
    for_each_pair(parameters, |t, eta| {
        points.push((number(t, t)?, number(t, eta)?));
        Ok(())
    })?;
    Ok(Gain::table(points)?)
}

fn for_each_pair(
    parameters: &str,
    mut set: impl FnMut(&str, &str) -> Result<(), GainParseError>,
) -> Result<(), GainParseError> {
    let mut seen = Vec::new();
    for pair in parameters.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| GainParseError::Value {
            key: pair.to_owned(),
            value: String::new(),
            expected: "key=value",
        })?;
        if seen.contains(&key) {
            return Err(GainParseError::Repeated(key.to_owned()));
        }
        seen.push(key);
        set(key, value)?;
    }
    Ok(())
}

fn number(key: &str, value: &str) -> Result<f64, GainParseError> {
    value.parse().map_err(|_| GainParseError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        expected: "a number",
    })
}

fn shape(key: &str, value: &str) -> Result<Shape, GainParseError> {
    match value {
        "linear" => Ok(Shape::Linear),
        "constant" => Ok(Shape::Constant),
        "exponential" => Ok(Shape::Exponential),
        _ => Err(GainParseError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            expected: "linear, constant or exponential",
        }),
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Constant => "constant",
            Self::Exponential => "exponential",
        })
    }
}

impl fmt::Display for Gain {
    /// The expression that parses back to this gain; a table shows its points.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Kts(Kts { alpha, beta, split, launch, landing, rate }) => write!(
                f,
                "kts:alpha={alpha},beta={beta},split={split},launch={launch},landing={landing},rate={rate}"
            ),
            Self::Ssc { alpha, power } => write!(f, "ssc:alpha={alpha},power={power}"),
            Self::Table(points) => {
                f.write_str("table:")?;
                for (i, (t, eta)) in points.iter().enumerate() {
                    write!(f, "{}{t}={eta}", if i == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn misspelt_gains_say_what_is_known() {
        for (text, part) in [
            ("ktz", "unknown gain `ktz`"),
            ("unit:x=1", "unknown gain"),
            ("kts:aplha=1", "no parameter `aplha`"),
            ("kts:alpha=", "expected a number"),
            ("kts:alpha=1,alpha=2", "given twice"),
            ("kts:launch=cubic", "linear, constant or exponential"),
            ("kts:alpha", "key=value"),
            ("ssc:alpha=1", "needs `power=`"),
            ("table:0.5=1,0.2=1", "point 1"),
        ] {
            let error = text.parse::<Gain>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips(alpha in -1.0f64..1.0, beta in 0.0f64..1.0, split in 0.01f64..0.99) {
            for gain in [
                Gain::Unit,
                Gain::Ssc { alpha, power: beta },
                Gain::Table(vec![(0.0, alpha), (split, beta)]),
                Gain::Kts(Kts { alpha, beta, split, landing: Shape::Linear, ..Kts::default() }),
            ] {
                prop_assert_eq!(gain.to_string().parse::<Gain>(), Ok(gain));
            }
        }
    }
}

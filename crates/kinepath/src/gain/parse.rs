//! The text form of a gain: `unit`, `kts:alpha=0.01,beta=0.01`, `ssc:alpha=0.1,power=2`,
//! `table:0=1.1,0.5=1`, `governed:quantile=0.9,ceiling=0:12.5;0.5:11.8`.

use std::fmt;
use std::str::FromStr;

use super::{DEFAULT_SPLIT, Gain, GainError, Governed, GovernedSpec, Kts, Shape};

/// Why a gain expression could not be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GainParseError {
    /// The word before the colon is no family of gains.
    #[error(
        "unknown gain `{0}`; use unit, kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K], \
         ssc:alpha=A,power=P, table:T=ETA,T=ETA,… or \
         governed:reference=RUN[,quantile=Q,strength=K,split=T]"
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
    /// A table or a ceiling whose points cannot be used.
    #[error(transparent)]
    Points(#[from] GainError),
    /// A governed gain whose ceiling is not known here.
    #[error(
        "the governed gain has no ceiling yet: name a finished run without a gain whose energy \
         profile was recorded, `reference=RUN`, or give `ceiling=T:SPEED;T:SPEED;…`"
    )]
    NoCeiling,
    /// A governed gain with a ceiling and a run to take another from.
    #[error("the governed gain has both `reference=` and `ceiling=`; leave one of them out")]
    TwoCeilings,
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
            "governed" => {
                let GovernedSpec { quantile, strength, split, ceiling, .. } = text.parse()?;
                let ceiling = ceiling.ok_or(GainParseError::NoCeiling)?;
                Ok(Self::Governed(Governed { quantile, strength, split, ceiling }))
            }
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

impl FromStr for GovernedSpec {
    type Err = GainParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ("governed", parameters) = text.split_once(':').unwrap_or((text, "")) else {
            return Err(GainParseError::Family(text.to_owned()));
        };
        let mut spec = Self {
            quantile: 0.9,
            strength: 1.0,
            split: DEFAULT_SPLIT,
            reference: None,
            ceiling: None,
        };
        for_each_pair(parameters, |key, value| {
            match key {
                "quantile" => spec.quantile = number(key, value)?,
                "strength" => spec.strength = number(key, value)?,
                "split" => spec.split = number(key, value)?,
                "reference" => spec.reference = Some(value.to_owned()),
                "ceiling" => spec.ceiling = Some(ceiling(key, value)?),
                _ => {
                    return Err(GainParseError::Key {
                        family: "governed",
                        key: key.to_owned(),
                        known: "reference or ceiling, quantile, strength and split",
                    });
                }
            }
            Ok(())
        })?;
        match spec {
            Self { reference: Some(_), ceiling: Some(_), .. } => Err(GainParseError::TwoCeilings),
            _ => Ok(spec),
        }
    }
}

fn ceiling(key: &str, value: &str) -> Result<Vec<(f64, f64)>, GainParseError> {
    let point = |point: &str| {
        let (t, speed) = point.split_once(':').ok_or_else(|| GainParseError::Value {
            key: key.to_owned(),
            value: point.to_owned(),
            expected: "points T:SPEED apart by semicolons",
        })?;
        Ok((number(key, t)?, number(key, speed)?))
    };
    value.split(';').map(point).collect()
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
    /// The expression that parses back to this gain. The alternate form, `{:#}`, is for people: it
    /// counts the points of a table or a ceiling instead of listing them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(points) if f.alternate() => write!(f, "table of {} points", points.len()),
            Self::Governed(Governed { quantile, strength, split, ceiling }) => {
                write!(f, "governed:quantile={quantile},strength={strength},split={split}")?;
                if f.alternate() {
                    return write!(f, ", ceiling of {} points", ceiling.len());
                }
                for (i, (t, speed)) in ceiling.iter().enumerate() {
                    write!(f, "{}{t}:{speed}", if i == 0 { ",ceiling=" } else { ";" })?;
                }
                Ok(())
            }
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
            ("governed", "reference=RUN"),
            ("governed:reference=base", "reference=RUN"),
            ("governed:reference=base,ceiling=0:1", "leave one of them out"),
            ("governed:celling=0:1", "no parameter `celling`"),
            ("governed:ceiling=0:1;0.5=2", "`0.5=2`, expected points T:SPEED"),
            ("governed:ceiling=", "expected points T:SPEED"),
            ("governed:ceiling=0:fast", "expected a number"),
        ] {
            let error = text.parse::<Gain>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_form_for_people_counts_points() {
        let short = |text: &str| format!("{:#}", text.parse::<Gain>().unwrap());
        assert_eq!(short("table:0=1,1=0.5"), "table of 2 points");
        let governed = short("governed:ceiling=0:3;0.5:2;1:1");
        assert_eq!(governed, "governed:quantile=0.9,strength=1,split=0.6, ceiling of 3 points");
        assert_eq!(short("ssc:alpha=1,power=2"), "ssc:alpha=1,power=2");
    }

    proptest! {
        #[test]
        fn text_form_round_trips(alpha in -1.0f64..1.0, beta in 0.0f64..1.0, split in 0.01f64..0.99) {
            for gain in [
                Gain::Unit,
                Gain::Ssc { alpha, power: beta },
                Gain::Table(vec![(0.0, alpha), (split, beta)]),
                Gain::Kts(Kts { alpha, beta, split, landing: Shape::Linear, ..Kts::default() }),
                Gain::Governed(Governed {
                    quantile: beta,
                    strength: 2.0 * beta,
                    split,
                    ceiling: vec![(0.0, 1e6 * split), (split, 1e-6 * split)],
                }),
            ] {
                prop_assert_eq!(gain.to_string().parse::<Gain>(), Ok(gain));
            }
        }
    }
}

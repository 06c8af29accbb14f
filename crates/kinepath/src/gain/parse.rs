//! The text form of a gain: `unit`, `kts:alpha=0.01,beta=0.01`, `ssc:alpha=0.1,power=2`,
//! `table:0=1.1,0.5=1`, `governed:quantile=0.9,ceiling=0:12.5;0.5:11.8`.

use std::fmt;
use std::str::FromStr;

use super::{DEFAULT_SPLIT, Gain, GainError, Governed, GovernedSpec, Kts, Shape};
use crate::keys::{KeyValues, number};

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
    /// Keys or values that its family does not take.
    #[error("gain {family}: {reason}")]
    Keys {
        /// The family of gains.
        family: &'static str,
        /// What is wrong with them.
        reason: String,
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
}

impl FromStr for Gain {
    type Err = GainParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (family, parameters) = text.split_once(':').unwrap_or((text, ""));
        match family {
            "unit" if parameters.is_empty() => Ok(Self::Unit),
            "kts" => Ok(Self::Kts(read("kts", parameters, kts)?)),
            "ssc" => read("ssc", parameters, |keys| {
                Ok(Self::Ssc { alpha: keys.needed("alpha")?, power: keys.needed("power")? })
            }),
            "table" => Ok(Self::table(read("table", parameters, table)?)?),
            "governed" => {
                let GovernedSpec { quantile, strength, split, ceiling, .. } = text.parse()?;
                let ceiling = ceiling.ok_or(GainParseError::NoCeiling)?;
                Ok(Self::Governed(Governed { quantile, strength, split, ceiling }))
            }
            _ => Err(GainParseError::Family(text.to_owned())),
        }
    }
}

/// What `values` takes from the keys of a family, which has no others.
fn read<'a, T>(
    family: &'static str,
    parameters: &'a str,
    values: impl FnOnce(&mut KeyValues<'a>) -> Result<T, String>,
) -> Result<T, GainParseError> {
    let read = || {
        let mut keys = KeyValues::read(parameters.split(',').filter(|pair| !pair.is_empty()))?;
        let values = values(&mut keys)?;
        keys.finish()?;
        Ok(values)
    };
    read().map_err(|reason| GainParseError::Keys { family, reason })
}

fn kts(keys: &mut KeyValues<'_>) -> Result<Kts, String> {
    let usual = Kts::default();
    Ok(Kts {
        alpha: keys.number("alpha", usual.alpha)?,
        beta: keys.number("beta", usual.beta)?,
        split: keys.number("split", usual.split)?,
        launch: shape(keys, "launch", usual.launch)?,
        landing: shape(keys, "landing", usual.landing)?,
        rate: keys.number("rate", usual.rate)?,
    })
}

fn table(keys: &mut KeyValues<'_>) -> Result<Vec<(f64, f64)>, String> {
    let point = |(t, eta): (&str, &str)| {
        let time = t.parse().map_err(|_| format!("the time `{t}` is no number"))?;
        Ok((time, number(t, eta)?))
    };
    keys.take_all().into_iter().map(point).collect()
}

impl FromStr for GovernedSpec {
    type Err = GainParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ("governed", parameters) = text.split_once(':').unwrap_or((text, "")) else {
            return Err(GainParseError::Family(text.to_owned()));
        };
        let spec = read("governed", parameters, |keys| {
            Ok(Self {
                quantile: keys.number("quantile", 0.9)?,
                strength: keys.number("strength", 1.0)?,
                split: keys.number("split", DEFAULT_SPLIT)?,
                reference: keys.take("reference").map(str::to_owned),
                ceiling: keys.take("ceiling").map(ceiling).transpose()?,
            })
        })?;
        match spec {
            Self { reference: Some(_), ceiling: Some(_), .. } => Err(GainParseError::TwoCeilings),
            _ => Ok(spec),
        }
    }
}

fn ceiling(points: &str) -> Result<Vec<(f64, f64)>, String> {
    let point = |point: &str| {
        let (t, speed) = point.split_once(':').ok_or_else(|| {
            format!("the ceiling's point `{point}` is not T:SPEED; points are apart by semicolons")
        })?;
        Ok((number("ceiling", t)?, number("ceiling", speed)?))
    };
    points.split(';').map(point).collect()
}

fn shape(keys: &mut KeyValues<'_>, key: &'static str, usual: Shape) -> Result<Shape, String> {
    match keys.take(key) {
        None => Ok(usual),
        Some("linear") => Ok(Shape::Linear),
        Some("constant") => Ok(Shape::Constant),
        Some("exponential") => Ok(Shape::Exponential),
        Some(other) => Err(format!("`{key}={other}`: use linear, constant or exponential")),
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
            ("kts:aplha=1", "no key `aplha`; it has alpha, beta, split, launch, landing, rate"),
            ("kts:alpha=", "`alpha=` is not such a number"),
            ("kts:alpha=1,alpha=2", "given twice"),
            ("kts:launch=cubic", "linear, constant or exponential"),
            ("kts:alpha", "`alpha` is not KEY=VALUE"),
            ("ssc:alpha=1", "gain ssc: it needs `power=`"),
            ("table:0.5=1,0.2=1", "point 1"),
            ("table:x=1", "the time `x` is no number"),
            ("table:0=x", "`0=x` is not such a number"),
            ("governed", "reference=RUN"),
            ("governed:reference=base", "reference=RUN"),
            ("governed:reference=base,ceiling=0:1", "leave one of them out"),
            ("governed:celling=0:1", "no key `celling`"),
            ("governed:ceiling=0:1;0.5=2", "`0.5=2` is not T:SPEED"),
            ("governed:ceiling=", "`` is not T:SPEED"),
            ("governed:ceiling=0:fast", "`ceiling=fast` is not such a number"),
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

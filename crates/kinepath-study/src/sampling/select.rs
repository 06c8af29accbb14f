//! Which samples to keep: bands of the energies of a path.

use std::fmt;
use std::str::FromStr;

use kinepath::paths::Paths;
use thiserror::Error;

use crate::run::columns;

/// A condition on samples: those that meet it are kept, the others are drawn again.
///
/// Slot j of a run of N samples tries the noise indices j, j + N, j + 2N, … until its path lies in
/// every band. The kept samples are therefore independent draws from the model given the bands, and
/// the same whatever the batch, the shard or the thread count, up to the rounding of a value at the
/// very edge of a band.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The bands, all of which a kept sample lies in.
    pub bands: Vec<Band>,
    /// Draws that a slot may take, at least 1. The first slot that takes more ends the run.
    pub max_attempts: usize,
}

/// A closed interval of a column, as text `COLUMN=LO..HI`; one of the ends may be open.
///
/// ```
/// use kinepath_study::sampling::Band;
///
/// let band: Band = "kpe_landing=..2.5".parse()?;
/// assert!(band.contains(2.5) && !band.contains(2.6));
/// assert_eq!(band.to_string(), "kpe_landing=..2.5");
/// # Ok::<(), kinepath_study::sampling::BandParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    column: BandColumn,
    low: Option<f64>,
    high: Option<f64>,
}

/// A column that a band can be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BandColumn {
    Kpe,
    Launch,
    Landing,
    Displacement,
    Efficiency,
    TerminalSpike,
}

impl BandColumn {
    const ALL: [Self; 6] = [
        Self::Kpe,
        Self::Launch,
        Self::Landing,
        Self::Displacement,
        Self::Efficiency,
        Self::TerminalSpike,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Kpe => columns::KPE,
            Self::Launch => columns::KPE_LAUNCH,
            Self::Landing => columns::KPE_LANDING,
            Self::Displacement => columns::DISPLACEMENT,
            Self::Efficiency => columns::EFFICIENCY,
            Self::TerminalSpike => columns::TERMINAL_SPIKE,
        }
    }
}

impl Band {
    /// Whether `value` lies in the band; its ends do.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low.is_none_or(|low| value >= low) && self.high.is_none_or(|high| value <= high)
    }

    /// The name of the column.
    #[must_use]
    pub fn column(&self) -> &'static str {
        self.column.name()
    }

    /// The column of every path.
    pub(super) fn values(&self, paths: &Paths) -> Vec<f64> {
        match self.column {
            BandColumn::Kpe => paths.kpe.clone(),
            BandColumn::Launch => paths.launch.clone(),
            BandColumn::Landing => paths.landing.clone(),
            BandColumn::Displacement => paths.displacement.clone(),
            BandColumn::Efficiency => paths.efficiency().to_vec(),
            BandColumn::TerminalSpike => paths.terminal_spike().to_vec(),
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<f64>| end.map_or(String::new(), |end| end.to_string());
        write!(f, "{}={}..{}", self.column(), end(self.low), end(self.high))
    }
}

impl FromStr for Band {
    type Err = BandParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || BandParseError::Form(text.to_owned());
        let (name, range) = text.split_once('=').ok_or_else(form)?;
        let (low, high) = range.split_once("..").ok_or_else(form)?;
        let column = BandColumn::ALL
            .into_iter()
            .find(|column| column.name() == name)
            .ok_or_else(|| BandParseError::Column { name: name.to_owned() })?;
        let end = |text: &str| match text.parse::<f64>() {
            _ if text.is_empty() => Ok(None),
            Ok(end) if end.is_finite() => Ok(Some(end)),
            _ => Err(BandParseError::End(text.to_owned())),
        };
        match (end(low)?, end(high)?) {
            (None, None) => Err(form()),
            (Some(low), Some(high)) if low > high => Err(BandParseError::Empty { low, high }),
            (low, high) => Ok(Self { column, low, high }),
        }
    }
}

/// Why a band could not be read.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BandParseError {
    /// It has another form.
    #[error("`{0}` is no band; use COLUMN=LO..HI, COLUMN=LO.. or COLUMN=..HI")]
    Form(String),
    /// There is no such column, or not before evaluation.
    #[error("`{name}` is no column of paths; use {}", BandColumn::ALL.map(BandColumn::name).join(", "))]
    Column {
        /// The name given.
        name: String,
    },
    /// An end that is no number.
    #[error("a band cannot end at `{0}`, which is no finite number")]
    End(String),
    /// Ends in the wrong order.
    #[error("a band from {low} to {high} holds nothing; swap its ends")]
    Empty {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

/// Why a selection came to nothing.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SelectionError {
    /// A slot used up its draws.
    #[error(
        "none of the {attempts} draws for sample {sample} has {bands}; samples up to it kept \
         {accepted} of {tried} draws, at most one in {:.0} with 95 % confidence, and of those \
         {attempts} {observed}; widen the band, or allow more attempts",
        most.recip().floor()
    )]
    Exhausted {
        /// The sample whose slot it is.
        sample: usize,
        /// The draws it was allowed.
        attempts: usize,
        /// The bands asked for.
        bands: String,
        /// Draws that were kept for the samples before it.
        accepted: usize,
        /// Draws for those samples and this one.
        tried: usize,
        /// Upper end of the 95 % interval (Wilson) of the share of draws that are kept.
        most: f64,
        /// What the columns of the bands were among the draws for this sample: ends and quartiles.
        observed: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_band_says_what_would_be_one() {
        for (text, part) in [
            ("kpe", "COLUMN=LO..HI"),
            ("kpe=3", "COLUMN=LO..HI"),
            ("kpe=..", "COLUMN=LO..HI"),
            ("nfe=1..2", "kpe, kpe_launch, kpe_landing, displacement, efficiency, terminal_spike"),
            ("kpe=a..2", "`a`"),
            ("kpe=1..inf", "`inf`"),
            ("kpe=NaN..2", "`NaN`"),
            ("kpe=2..1", "swap"),
        ] {
            let error = text.parse::<Band>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips_and_holds_its_ends(low in -1e6f64..1e6, width in 0.0f64..1e3) {
            for column in BandColumn::ALL {
                for (low, high) in [
                    (Some(low), Some(low + width)), (Some(low), None), (None, Some(low)),
                ] {
                    let band = Band { column, low, high };
                    prop_assert_eq!(band.to_string().parse(), Ok(band));
                    prop_assert!(low.into_iter().chain(high).all(|end| band.contains(end)));
                    prop_assert!(!band.contains(f64::NAN));
                }
            }
        }
    }
}

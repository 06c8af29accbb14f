//! What can be wrong with the input of a statistic.

use thiserror::Error;

/// Why a statistic could not be computed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StatsError {
    /// Fewer values than the statistic is defined for.
    #[error("{what} needs at least {needed} values, got {actual}")]
    TooFew {
        /// What was asked for.
        what: &'static str,
        /// The least number of values.
        needed: usize,
        /// The number given.
        actual: usize,
    },
    /// Two columns of different lengths.
    #[error("{column} has {actual} values where {expected} are expected")]
    LengthMismatch {
        /// The column's role.
        column: String,
        /// Length of the column it goes with.
        expected: usize,
        /// Its own length.
        actual: usize,
    },
    /// A NaN, which has no rank, or an infinity where only numbers make sense.
    #[error("{column} holds a NaN, or an infinity that is not allowed here, at row {row}")]
    NotANumber {
        /// The column's role.
        column: String,
        /// First offending row.
        row: usize,
    },
    /// A column without variation, whose correlation with anything is undefined.
    #[error("{column} is constant, so its correlation is undefined")]
    Constant {
        /// The column's role.
        column: String,
    },
    /// A column that the controls explain completely.
    #[error("the controls explain {column} completely, so nothing is left to correlate")]
    Explained {
        /// The column's role.
        column: String,
    },
    /// A p-value, a quantile or a share outside [0, 1], or a confidence level or a power outside
    /// (0, 1).
    #[error("{what} must be between 0 and 1, got {actual}")]
    NotAProbability {
        /// What was given.
        what: &'static str,
        /// Its value.
        actual: f64,
    },
    /// A size that is negative or not finite.
    #[error("{what} must be finite and not negative, got {actual}")]
    NotAnAmount {
        /// What was given.
        what: &'static str,
        /// Its value.
        actual: f64,
    },
    /// More bins than values, or none.
    #[error("cannot split {values} values into {bins} bins")]
    Bins {
        /// Bins asked for.
        bins: usize,
        /// Values at hand.
        values: usize,
    },
    /// Resampling without replicates.
    #[error("resampling needs at least 1 replicate, got 0")]
    NoResamples,
    /// A group of rows without rows.
    #[error("group {group} has no rows")]
    EmptyGroup {
        /// Its place among the groups.
        group: usize,
    },
    /// A row that the sample does not have.
    #[error("there is no row {row} in a sample of {count}")]
    NoSuchRow {
        /// The row asked for.
        row: usize,
        /// Number of rows there are.
        count: usize,
    },
    /// The statistic is undefined on the sample itself.
    #[error("the statistic is undefined on the full sample of {values} values")]
    Undefined {
        /// Size of the sample.
        values: usize,
    },
    /// The statistic is undefined on too many resamples for an interval to mean something.
    #[error("the statistic is undefined on {undefined} of {resamples} resamples")]
    UndefinedReplicates {
        /// Replicates without a value.
        undefined: usize,
        /// All replicates.
        resamples: usize,
    },
    /// Replicates that all lie on one side of the estimate, so that their bias has no measure.
    #[error(
        "all {resamples} resamples give less, or all give more, than the estimate {estimate}: a \
         bias this large cannot be corrected; compare settings by a paired difference"
    )]
    OneSided {
        /// The statistic on the full sample.
        estimate: f64,
        /// Replicates with a value.
        resamples: usize,
    },
}

/// Refuses columns with a NaN.
pub(super) fn check_no_nan(column: &str, values: &[f64]) -> Result<(), StatsError> {
    refuse(column, values, |value| value.is_nan())
}

/// Refuses columns with a NaN or an infinity.
pub(super) fn check_finite(column: &str, values: &[f64]) -> Result<(), StatsError> {
    refuse(column, values, |value| !value.is_finite())
}

/// Refuses columns shorter than `needed`.
pub(super) fn check_count(
    what: &'static str,
    needed: usize,
    actual: usize,
) -> Result<(), StatsError> {
    if actual < needed { Err(StatsError::TooFew { what, needed, actual }) } else { Ok(()) }
}

/// Refuses what is no probability, 0 and 1 included: neither a level nor a power can be certain.
pub(super) fn check_between_0_and_1(what: &'static str, actual: f64) -> Result<(), StatsError> {
    if actual > 0.0 && actual < 1.0 {
        return Ok(());
    }
    Err(StatsError::NotAProbability { what, actual })
}

/// Refuses a column of another length than `expected`.
pub(super) fn check_length(column: &str, expected: usize, actual: usize) -> Result<(), StatsError> {
    if actual == expected {
        return Ok(());
    }
    Err(StatsError::LengthMismatch { column: column.to_owned(), expected, actual })
}

fn refuse(column: &str, values: &[f64], bad: impl Fn(f64) -> bool) -> Result<(), StatsError> {
    match values.iter().position(|&value| bad(value)) {
        Some(row) => Err(StatsError::NotANumber { column: column.to_owned(), row }),
        None => Ok(()),
    }
}

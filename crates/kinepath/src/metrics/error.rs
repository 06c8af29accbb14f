//! What can be wrong with the input of a metric.

use ndarray::ArrayView2;
use thiserror::Error;

use super::largest::largest_magnitude;

/// Why a metric could not be computed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MetricsError {
    /// An array without rows or without columns.
    #[error("{what} are empty: shape [{rows}, {columns}], at least one row and column are needed")]
    Empty {
        /// The array's role, in the plural.
        what: &'static str,
        /// Its number of rows.
        rows: usize,
        /// Its number of columns.
        columns: usize,
    },
    /// A NaN or an infinity.
    #[error("{what} hold a NaN or infinity at row {row}, column {column}")]
    NotFinite {
        /// The array's role, in the plural.
        what: &'static str,
        /// First offending row.
        row: usize,
        /// First offending column in that row.
        column: usize,
    },
    /// Two arrays whose points differ in dimension.
    #[error("{what} have {actual} columns where {expected} are expected")]
    DimensionMismatch {
        /// The array's role, in the plural.
        what: &'static str,
        /// Columns of the array it is compared with.
        expected: usize,
        /// Columns it has.
        actual: usize,
    },
    /// A sample assigned to a prompt that does not exist.
    #[error("sample {sample} has prompt {prompt}, but there are only {prompts} prompts, from 0")]
    NoSuchPrompt {
        /// The sample.
        sample: usize,
        /// The prompt it was assigned to.
        prompt: usize,
        /// The number of prompts.
        prompts: usize,
    },
    /// A vector of zeros where only its direction matters.
    #[error("{what} are all zero in row {row}, which therefore has no direction")]
    ZeroVector {
        /// The array's role, in the plural.
        what: &'static str,
        /// First such row.
        row: usize,
    },
    /// Fewer points than the metric is defined for.
    #[error("{what} need at least {needed} points, got {actual}")]
    TooFewPoints {
        /// What was asked for.
        what: &'static str,
        /// The least number of points.
        needed: usize,
        /// The number given (distinct ones, where neighbours are taken over distinct points).
        actual: usize,
    },
    /// Two columns or sets of different sizes that belong together.
    #[error("{actual} {what} where {expected} are expected")]
    LengthMismatch {
        /// What was counted, in the plural.
        what: &'static str,
        /// The number it goes with.
        expected: usize,
        /// The number given.
        actual: usize,
    },
    /// A level outside (0, 1).
    #[error("the level must be between 0 and 1, got {actual}")]
    Level {
        /// The level given.
        actual: f64,
    },
    /// A mean over subsets without a subset.
    #[error("the number of subsets must be at least 1, got 0")]
    ZeroSubsets,
    /// No cell of a partition holds enough generated points and a held-out one.
    #[error(
        "no cell holds a held-out point and more than a share {least_share} of the {generated} \
         generated points"
    )]
    NoSharedCell {
        /// The share of generated points that a cell must exceed.
        least_share: f64,
        /// The number of generated points.
        generated: usize,
    },
    /// A neighbour count of zero.
    #[error("the number of neighbours k must be at least 1, got 0")]
    ZeroNeighbours,
    /// A kernel bandwidth that is not a positive finite number.
    #[error("the kernel bandwidth must be positive and finite, got {actual}")]
    Bandwidth {
        /// The bandwidth given.
        actual: f64,
    },
    /// A resample refers to a row that does not exist.
    #[error("row {actual} is out of range: there are {rows} rows")]
    RowOutOfRange {
        /// The row asked for.
        actual: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A symmetric eigendecomposition did not converge.
    #[error("the eigendecomposition of a {dimension} × {dimension} matrix did not converge")]
    Eigendecomposition {
        /// Rows of the matrix.
        dimension: usize,
    },
}

/// Refuses empty arrays and values that are not finite.
pub(super) fn check_points(
    what: &'static str,
    points: &ArrayView2<'_, f32>,
) -> Result<(), MetricsError> {
    check_some(what, points)?;
    check_finite(what, points)
}

/// Refuses empty arrays.
pub(super) fn check_some(
    what: &'static str,
    points: &ArrayView2<'_, f32>,
) -> Result<(), MetricsError> {
    match points.dim() {
        (rows, columns) if rows == 0 || columns == 0 => {
            Err(MetricsError::Empty { what, rows, columns })
        }
        _ => Ok(()),
    }
}

/// Refuses values that are not finite.
pub(super) fn check_finite(
    what: &'static str,
    points: &ArrayView2<'_, f32>,
) -> Result<(), MetricsError> {
    if largest_magnitude(points).is_finite() {
        return Ok(());
    }
    match points.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), _)) => Err(MetricsError::NotFinite { what, row, column }),
        None => Ok(()),
    }
}

/// Refuses columns with a NaN or an infinity.
pub(super) fn check_column(what: &'static str, values: &[f64]) -> Result<(), MetricsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(MetricsError::NotFinite { what, row, column: 0 }),
        None => Ok(()),
    }
}

/// Refuses a count that differs from the one it goes with.
pub(super) fn check_length(
    what: &'static str,
    expected: usize,
    actual: usize,
) -> Result<(), MetricsError> {
    if actual == expected {
        Ok(())
    } else {
        Err(MetricsError::LengthMismatch { what, expected, actual })
    }
}

/// Refuses arrays of another dimension than `expected`.
pub(super) fn check_dimension(
    what: &'static str,
    expected: usize,
    points: &ArrayView2<'_, f32>,
) -> Result<(), MetricsError> {
    let actual = points.ncols();
    if actual == expected {
        Ok(())
    } else {
        Err(MetricsError::DimensionMismatch { what, expected, actual })
    }
}

/// Refuses resamples that are too small or point outside the `rows` at hand.
pub(super) fn check_rows(
    what: &'static str,
    needed: usize,
    rows: usize,
    indices: &[usize],
) -> Result<(), MetricsError> {
    if indices.len() < needed {
        return Err(MetricsError::TooFewPoints { what, needed, actual: indices.len() });
    }
    match indices.iter().find(|&&index| index >= rows) {
        Some(&actual) => Err(MetricsError::RowOutOfRange { actual, rows }),
        None => Ok(()),
    }
}

/// The position of `row` among the increasing `rows` of an index.
pub(super) fn position_of_row(rows: &[usize], row: usize) -> Result<usize, MetricsError> {
    rows.binary_search(&row).map_err(|_| MetricsError::RowOutOfRange {
        actual: row,
        rows: rows.last().map_or(0, |last| last + 1),
    })
}

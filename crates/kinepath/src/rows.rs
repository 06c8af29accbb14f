//! Matrices in standard layout, and rows of such, as slices for kernels.
//!
//! Whoever takes a matrix from elsewhere lays it out so first: a row that is skipped because it has gaps
//! would be a wrong result without a word.

use ndarray::{ArrayView, ArrayViewMut1, Dimension};

/// The values of a matrix in standard layout, or of a row of one.
#[expect(clippy::expect_used, reason = "a gap is a mistake of this crate")]
pub(crate) fn values<T, D: Dimension>(view: ArrayView<'_, T, D>) -> &[T] {
    view.to_slice().expect("an array in standard layout")
}

/// The values of a row of a matrix in standard layout, to be changed.
#[expect(clippy::expect_used, reason = "a gap is a mistake of this crate")]
pub(crate) fn values_mut<T>(row: ArrayViewMut1<'_, T>) -> &mut [T] {
    row.into_slice().expect("a row of a matrix in standard layout")
}

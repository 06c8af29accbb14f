//! Dense matrix product on views, through the `gemm` crate.

use ndarray::{ArrayView2, ArrayViewMut2};

/// The element types a product is compiled for.
pub(crate) trait Real: Copy + PartialEq + 'static {
    /// Additive identity, which as `keep` means that the output is overwritten.
    const ZERO: Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
}

/// `c ← keep·c + scale·a·b` for `a: [m, k]`, `b: [k, n]`, `c: [m, n]`, on the calling thread.
///
/// Any strides are accepted, so a transposed operand is `x.t()`. With `keep = 0` the old contents
/// of `c` are never read. Parallelism belongs to the caller, who splits rows in a fixed way and so
/// keeps results independent of the thread count.
///
/// # Panics
/// If the shapes do not agree.
pub(crate) fn matmul<T: Real>(
    keep: T,
    mut c: ArrayViewMut2<'_, T>,
    scale: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
) {
    let (m, k) = a.dim();
    let n = b.ncols();
    assert_eq!(k, b.nrows(), "inner dimensions of a matrix product");
    assert_eq!((m, n), c.dim(), "output shape of a matrix product");
    let ([c_row, c_column], [a_row, a_column], [b_row, b_column]) =
        (strides(c.strides()), strides(a.strides()), strides(b.strides()));
    // SAFETY: the three pointers and stride pairs come from live ndarray views whose shapes were
    // checked above, so every element that gemm addresses lies inside its view; `c` is borrowed
    // mutably and therefore overlaps neither `a` nor `b`. `Real` admits only f32 and f64, which
    // gemm implements.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            c_column,
            c_row,
            keep != T::ZERO,
            a.as_ptr(),
            a_column,
            a_row,
            b.as_ptr(),
            b_column,
            b_row,
            keep,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Row and column stride, in elements.
fn strides(strides: &[isize]) -> [isize; 2] {
    [strides[0], strides[1]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    fn ramp(rows: usize, columns: usize, seed: f32) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((i * 7 + j * 3) as f32 * 0.37 + seed).sin()
        })
    }

    #[test]
    fn agrees_with_ndarray_for_every_layout() {
        let a = ramp(5, 33, 0.1);
        let b = ramp(9, 33, 0.7);
        let mut c = Array2::from_elem((5, 9), f32::NAN);
        matmul(0.0, c.view_mut(), 2.0, a.view(), b.t());
        let expected = a.dot(&b.t()) * 2.0;
        assert!((&c - &expected).iter().all(|d| d.abs() < 1e-4));

        matmul(1.0, c.slice_mut(s![1..3, ..]), 1.0, a.slice(s![1..3, ..33]), b.t());
        let expected = a.dot(&b.t()) * 3.0;
        assert!(
            (&c.slice(s![1..3, ..]) - &expected.slice(s![1..3, ..])).iter().all(|d| d.abs() < 1e-4)
        );
    }
}

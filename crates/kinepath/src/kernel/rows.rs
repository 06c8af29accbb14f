//! Products and sums of one state with some rows.

use pulp::{Arch, Simd, WithSimd};

/// Rows that are handled together, so that the state is read once for all.
const ROWS: usize = 4;

/// The inner product of a state with every row.
pub(crate) fn row_products(state: &[f32], rows: &[&[f32]], products: &mut [f32]) {
    struct Products<'a>(&'a [f32], &'a [&'a [f32]], &'a mut [f32]);
    impl WithSimd for Products<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            row_products_in(simd, self.0, self.1, self.2);
        }
    }
    Arch::new().dispatch(Products(state, rows, products));
}

/// `sum += Σ_r weights[r] · rows[r]`.
pub(crate) fn add_rows(sum: &mut [f32], rows: &[&[f32]], weights: &[f32]) {
    struct AddRows<'a>(&'a mut [f32], &'a [&'a [f32]], &'a [f32]);
    impl WithSimd for AddRows<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            add_rows_in(simd, self.0, self.1, self.2);
        }
    }
    Arch::new().dispatch(AddRows(sum, rows, weights));
}

#[inline(always)]
fn row_products_in<S: Simd>(simd: S, state: &[f32], rows: &[&[f32]], products: &mut [f32]) {
    let (state_vectors, state_tail) = S::as_simd_f32s(state);
    let state_tail = simd.partial_load_f32s(state_tail);
    for (rows, products) in rows.chunks(ROWS).zip(products.chunks_mut(ROWS)) {
        // A missing row is the last one again, and its product is not stored.
        let block: [_; ROWS] =
            std::array::from_fn(|r| S::as_simd_f32s(&rows[r.min(rows.len() - 1)][..state.len()]));
        let vectors = block.map(|(vectors, _)| &vectors[..state_vectors.len()]);
        // No closure: one would not be compiled for the processor's vectors.
        let mut sums = [simd.splat_f32s(0.0); ROWS];
        for (sum, (_, tail)) in sums.iter_mut().zip(&block) {
            *sum = simd.mul_f32s(state_tail, simd.partial_load_f32s(tail));
        }
        for (i, &state) in state_vectors.iter().enumerate() {
            for (sum, vectors) in sums.iter_mut().zip(&vectors) {
                *sum = simd.mul_add_e_f32s(state, vectors[i], *sum);
            }
        }
        for (product, sum) in products.iter_mut().zip(sums) {
            *product = simd.reduce_sum_f32s(sum);
        }
    }
}

#[inline(always)]
fn add_rows_in<S: Simd>(simd: S, sum: &mut [f32], rows: &[&[f32]], weights: &[f32]) {
    let count = sum.len();
    let (sums, tail) = S::as_mut_simd_f32s(sum);
    for (rows, weights) in rows.chunks(ROWS).zip(weights.chunks(ROWS)) {
        let last = rows.len() - 1;
        let block: [_; ROWS] =
            std::array::from_fn(|r| S::as_simd_f32s(&rows[r.min(last)][..count]));
        let vectors = block.map(|(vectors, _)| &vectors[..sums.len()]);
        // A missing row has no weight.
        let scalars: [f32; ROWS] =
            std::array::from_fn(|r| if r <= last { weights[r] } else { 0.0 });
        let weights = scalars.map(|weight| simd.splat_f32s(weight));
        for (i, sum) in sums.iter_mut().enumerate() {
            // From zero: shorter sums round less.
            let mut local = simd.splat_f32s(0.0);
            for (weight, vectors) in weights.iter().zip(&vectors) {
                local = simd.mul_add_e_f32s(*weight, vectors[i], local);
            }
            *sum = simd.add_f32s(*sum, local);
        }
        let mut local = simd.splat_f32s(0.0);
        for (weight, (_, tail)) in weights.iter().zip(&block) {
            local = simd.mul_add_e_f32s(*weight, simd.partial_load_f32s(tail), local);
        }
        local = simd.add_f32s(simd.partial_load_f32s(tail), local);
        simd.partial_store_f32s(tail, local);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers: any order of summation gives the same.
    fn whole(i: usize) -> f32 {
        ((i * 7919) % 17) as f32 - 8.0
    }

    fn check(
        product: impl Fn(&[f32], &[&[f32]], &mut [f32]),
        add: impl Fn(&mut [f32], &[&[f32]], &[f32]),
    ) {
        for dim in [1, 3, 8, 16, 17, 50] {
            for count in [0, 1, 3, 4, 5, 11] {
                let state: Vec<f32> = (0..dim).map(whole).collect();
                let rows: Vec<Vec<f32>> =
                    (0..count).map(|r| (0..dim).map(|d| whole(r * 31 + d + 1)).collect()).collect();
                let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
                let mut products = vec![f32::NAN; count];
                product(&state, &rows, &mut products);
                let weights: Vec<f32> = (0..count).map(|r| whole(r + 5)).collect();
                let mut sum = state.clone();
                add(&mut sum, &rows, &weights);
                for (row, &product) in rows.iter().zip(&products) {
                    assert_eq!(product, row.iter().zip(&state).map(|(a, b)| a * b).sum::<f32>());
                }
                for d in 0..dim {
                    let added: f32 = rows.iter().zip(&weights).map(|(row, w)| row[d] * w).sum();
                    assert_eq!(sum[d], state[d] + added);
                }
            }
        }
    }

    #[test]
    fn this_processor_agrees_with_the_definition() {
        check(row_products, add_rows);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_agrees_with_the_definition() {
        if let Some(simd) = pulp::x86::V3::try_new() {
            check(|a, b, c| row_products_in(simd, a, b, c), |a, b, c| add_rows_in(simd, a, b, c));
        }
    }

    #[test]
    fn the_fallback_agrees_with_the_definition() {
        let simd = pulp::Scalar::new();
        check(|a, b, c| row_products_in(simd, a, b, c), |a, b, c| add_rows_in(simd, a, b, c));
    }
}

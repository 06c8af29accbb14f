//! Products and sums of many states with many points, one state in each lane.
//!
//! States and sums are stored element by element, [`LANES`] states beside each other, so that a
//! point's values are broadcast as they lie in memory and nothing is packed. Every lane is summed
//! in an order of its own: what else is in the batch changes no bit.

use pulp::{Arch, Simd, WithSimd};

/// States that are handled side by side.
pub(crate) const LANES: usize = 32;

/// Products that are summed before they are added to others: shorter sums round less.
const SUMMED: usize = 128;

/// One number for each of [`LANES`] states.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes<T = f32>(pub(crate) [T; LANES]);

impl<T: Copy> Lanes<T> {
    /// The same number for every state.
    pub(crate) const fn all(value: T) -> Self {
        Self([value; LANES])
    }
}

/// The inner product of every state with every row: `products[r] = ⟨states, rows[r]⟩`.
///
/// `states` holds element `d` of all states at index `d`; rows have at least that many elements.
pub(crate) fn products(states: &[Lanes], rows: &[&[f32]], products: &mut [Lanes]) {
    struct Products<'a>(&'a [Lanes], &'a [&'a [f32]], &'a mut [Lanes]);
    impl WithSimd for Products<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            if S::REGISTER_COUNT >= 32 {
                products_in::<S, 12>(simd, self.0, self.1, self.2);
            } else {
                products_in::<S, 6>(simd, self.0, self.1, self.2);
            }
        }
    }
    Arch::new().dispatch(Products(states, rows, products));
}

/// `sums[d] += Σ_r weights[r] · rows[r][d]`, state by state.
pub(crate) fn add_products(sums: &mut [Lanes], rows: &[&[f32]], weights: &[Lanes]) {
    Arch::new().dispatch(AddProducts(sums, rows, weights));
}

/// What [`add_products`] is asked.
struct AddProducts<'a>(&'a mut [Lanes], &'a [&'a [f32]], &'a [Lanes]);

impl WithSimd for AddProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(sums, rows, weights) = self;
        let mut rest = (sums, 0);
        if S::REGISTER_COUNT >= 32 {
            rest = add_products_in::<S, 12>(simd, rest, rows, weights);
        }
        rest = add_products_in::<S, 6>(simd, rest, rows, weights);
        add_products_in::<S, 1>(simd, rest, rows, weights);
    }
}

/// `R` rows are multiplied with two vectors of states at a time, all sums in registers.
#[inline(always)]
fn products_in<S: Simd, const R: usize>(
    simd: S,
    states: &[Lanes],
    rows: &[&[f32]],
    products: &mut [Lanes],
) {
    for (rows, products) in rows.chunks(R).zip(products.chunks_mut(R)) {
        let block: [&[f32]; R] =
            std::array::from_fn(|r| &rows[r.min(rows.len() - 1)][..states.len()]);
        products.fill(Lanes::all(0.0));
        for panel in 0..panels::<S>() {
            for (part, states) in states.chunks(SUMMED).enumerate() {
                let block = block.map(|row| &row[part * SUMMED..][..states.len()]);
                let mut sums = [[simd.splat_f32s(0.0); 2]; R];
                for (d, state) in states.iter().enumerate() {
                    let [a, b] = pair::<S>(state, panel);
                    for (sums, row) in sums.iter_mut().zip(&block) {
                        let value = simd.splat_f32s(row[d]);
                        sums[0] = simd.mul_add_e_f32s(value, a, sums[0]);
                        sums[1] = simd.mul_add_e_f32s(value, b, sums[1]);
                    }
                }
                for (products, sums) in products.iter_mut().zip(sums) {
                    for (product, sum) in pair_mut::<S>(products, panel).iter_mut().zip(sums) {
                        *product = simd.add_f32s(*product, sum);
                    }
                }
            }
        }
    }
}

/// `R` elements of two vectors of states at a time, all sums in registers. What is too little for
/// that is left: the rest of the sums, and the element that it begins with.
#[inline(always)]
fn add_products_in<'a, S: Simd, const R: usize>(
    simd: S,
    (sums, first): (&'a mut [Lanes], usize),
    rows: &[&[f32]],
    weights: &[Lanes],
) -> (&'a mut [Lanes], usize) {
    let (blocks, rest) = sums.as_chunks_mut::<R>();
    let mut start = first;
    for sums in blocks {
        for panel in 0..panels::<S>() {
            // From zero: shorter sums round less.
            let mut local = [[simd.splat_f32s(0.0); 2]; R];
            for (row, weights) in rows.iter().zip(weights) {
                let [a, b] = pair::<S>(weights, panel);
                for (local, &value) in local.iter_mut().zip(&row[start..start + R]) {
                    let value = simd.splat_f32s(value);
                    local[0] = simd.mul_add_e_f32s(value, a, local[0]);
                    local[1] = simd.mul_add_e_f32s(value, b, local[1]);
                }
            }
            for (local, sums) in local.iter().zip(&mut *sums) {
                for (sum, &local) in pair_mut::<S>(sums, panel).iter_mut().zip(local) {
                    *sum = simd.add_f32s(*sum, local);
                }
            }
        }
        start += R;
    }
    (rest, start)
}

/// How many pairs of vectors hold the lanes.
pub(super) const fn panels<S: Simd>() -> usize {
    LANES / (2 * S::F32_LANES)
}

/// Two vectors of lanes.
#[inline(always)]
pub(super) fn pair<S: Simd>(lanes: &Lanes, panel: usize) -> [S::f32s; 2] {
    let vectors = S::as_simd_f32s(&lanes.0).0;
    [vectors[2 * panel], vectors[2 * panel + 1]]
}

/// Two vectors of lanes, to be written.
#[inline(always)]
pub(super) fn pair_mut<S: Simd>(lanes: &mut Lanes, panel: usize) -> &mut [S::f32s] {
    let vectors = S::as_mut_simd_f32s(&mut lanes.0).0;
    &mut vectors[2 * panel..2 * panel + 2]
}

/// The lanes whose bits are set.
pub(crate) fn lanes_of(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let lane = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            lane
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are exact in f32 with sums that are exact too: any order gives the same.
    fn whole(i: usize) -> f32 {
        ((i * 7919) % 17) as f32 - 8.0
    }

    fn cases() -> impl Iterator<Item = (usize, usize)> {
        [1, 2, 5, 6, 7, 11, 12, 13, 30, 128, 300]
            .into_iter()
            .flat_map(|d| [1, 5, 12, 29].map(|n| (d, n)))
    }

    fn data(dim: usize, count: usize) -> (Vec<Lanes>, Vec<Vec<f32>>) {
        let states = (0..dim).map(|d| Lanes(std::array::from_fn(|s| whole(31 * d + s)))).collect();
        let rows = (0..count).map(|r| (0..dim).map(|d| whole(13 * r + d)).collect()).collect();
        (states, rows)
    }

    fn check_products(run: impl Fn(&[Lanes], &[&[f32]], &mut [Lanes])) {
        for (dim, count) in cases() {
            let (states, rows) = data(dim, count);
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let mut out = vec![Lanes::all(f32::NAN); count];
            run(&states, &rows, &mut out);
            for (row, out) in rows.iter().zip(&out) {
                for lane in 0..LANES {
                    let sum: f32 = row.iter().zip(&states).map(|(x, z)| x * z.0[lane]).sum();
                    assert_eq!(out.0[lane], sum, "D {dim} N {count}");
                }
            }
        }
    }

    fn check_sums(run: impl Fn(&mut [Lanes], &[&[f32]], &[Lanes])) {
        for (dim, count) in cases() {
            let (mut sums, rows) = data(dim, count);
            let before = sums.clone();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let (weights, _) = data(count, 1);
            run(&mut sums, &rows, &weights);
            for d in 0..dim {
                for lane in 0..LANES {
                    let sum: f32 = rows.iter().zip(&weights).map(|(x, w)| x[d] * w.0[lane]).sum();
                    assert_eq!(sums[d].0[lane], before[d].0[lane] + sum, "D {dim} N {count}");
                }
            }
        }
    }

    #[test]
    fn this_processor_multiplies_like_the_definition() {
        check_products(products);
        check_sums(add_products);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_multiplies_like_the_definition() {
        if let Some(simd) = pulp::x86::V3::try_new() {
            check_products(|a, b, c| products_in::<_, 6>(simd, a, b, c));
            check_sums(|a, b, c| AddProducts(a, b, c).with_simd(simd));
        }
    }

    #[test]
    fn the_fallback_multiplies_like_the_definition() {
        let simd = pulp::Scalar::new();
        check_products(|a, b, c| products_in::<_, 6>(simd, a, b, c));
        check_sums(|a, b, c| AddProducts(a, b, c).with_simd(simd));
    }
}
